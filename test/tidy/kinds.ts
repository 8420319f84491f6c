/**
 * The kinds of plug-in. Each has a folder with the interface, `conformance.ts`, `index.ts` and `README.md`; a plug-in is a folder
 * in it. A new kind is a row here and, for `add-one-of-each-kind.test.ts`, a sample in `one-of-each/<folder>/`.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { root, type Source } from './sources.ts'

export interface Kind {
  /** What one is called. */
  name: string
  folder: string
  /** What a plug-in's folder holds beside `x.ts`, `x.test.ts` and `README.md`. */
  parts: string[]
  /** The file that `index.ts` has the plug-in from; absent: `x.ts`. */
  entry?: 'plugin.ts'
}

export const kinds: Kind[] = [
  { name: 'alarm condition', folder: 'alarms/src/conditions', parts: [] },
  { name: 'bus', folder: 'edge-agent/src/bus', parts: [] },
  { name: 'decoder', folder: 'edge-agent/src/decoders', parts: ['cases'] },
  { name: 'filter', folder: 'edge-agent/src/filters', parts: ['cases'] },
  { name: 'local notifier', folder: 'edge-agent/src/rules/notifiers', parts: [] },
  { name: 'codec', folder: 'cloud-processor/src/prepare/plain/codecs', parts: [] },
  { name: 'analysis', folder: 'cloud-processor/src/prepare/analyses', parts: [] },
  { name: 'extract', folder: 'cli/src/import/extracts', parts: [] },
  { name: 'notifier', folder: 'cloud-processor/src/rules/notifiers', parts: [] },
]

/** Kinds whose plug-ins may need an engine: the conformance of those runs in `test/conformance`, and no `x.test.ts` has it. */
export const engineKinds: Kind[] = ['log', 'store', 'sink'].map((name) => ({
  name,
  folder: `cloud-processor/src/${name === 'log' ? name : `${name}s`}`,
  parts: ['config.ts', 'plugin.ts'],
  entry: 'plugin.ts',
}))

export function pluginsOf({ folder, entry }: Kind): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((found) => found.isDirectory() && found.name !== 'testing')
    .map(({ name }) => name)
    .filter((name) => existsSync(join(root, folder, name, entry ?? '')))
}

/** Who imports a file of a plug-in from outside of its folder, the kind's index left out. */
export function wrongImports(kind: Kind, plugins: string[], sources: Source[]): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(posix.dirname(path), specifier))
      .filter((target) => {
        const plugin = plugins.find((name) => target.startsWith(`${kind.folder}/${name}/`))
        return plugin !== undefined && !path.startsWith(`${kind.folder}/${plugin}/`) && path !== `${kind.folder}/index.ts`
      })
      .map((target) => `${path} imports ${target}`),
  )
}

/** Who asks, outside of a plug-in's folder, which one it is, or makes a configuration of one. */
export function named(kind: Kind, plugins: string[], sources: Source[]): string[] {
  const pattern = new RegExp(
    `(?:(?:[kK]ind|[cC]odec|[cC]ondition|[aA]nalysis)\\s*(?:[!=]==?|:)\\s*|\\bcase )'(${plugins.join('|')})'`,
    'g',
  )
  return sources
    .filter(({ path }) => !plugins.some((name) => path.startsWith(`${kind.folder}/${name}/`)))
    .flatMap(({ path, text }) =>
      // A plug-in of another kind may have the same name.
      [...text.matchAll(pattern)]
        .filter(([, name]) => !path.endsWith(`/${name}/${name}.ts`))
        .map(([, name]) => `${path} names ${name}`),
    )
}
