/** What is outside of a log, a store or a sink knows it only by what its kind's `index.ts` lists: flags and schemas, no names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect, test } from 'vitest'
import { engineKinds, pluginsOf } from './kinds.ts'
import { isTest, root, type Source, sourcesBelow } from './sources.ts'

const kinds = engineKinds.map(({ folder }) => folder)
const plugins = engineKinds.flatMap((kind) => pluginsOf(kind).map((name) => ({ kind, name, folder: `${kind.folder}/${name}/` })))
const hasPlugin = (folder: string, name: string) => plugins.some((plugin) => plugin.folder === `${folder}/${name}/`)
/** What an index.ts passes on of a plug-in is for tests. */
const passedOn = kinds.flatMap((folder) => {
  const [index] = sourcesBelow(folder).filter(({ path }) => path === `${folder}/index.ts`)
  const clauses = [...index!.text.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/([\w-]+)\/[^']*'/gm)]
  const ofPlugins = clauses.filter(([, , name]) => hasPlugin(folder, name!))
  return ofPlugins.flatMap(([, names]) => names!.split(',').map((name) => name.replace('type ', '').trim()))
})

/** How a source outside names a plug-in. */
function namesIn({ path, text, imports }: Source): string[] {
  const literals = plugins
    .map(({ name }) => name)
    .filter((name) => new RegExp(`\\bkind\\W{1,8}'${name}'|case '${name}'`).test(text))
  const paths = imports.filter((from) => from.startsWith('.')).map((from) => posix.join(posix.dirname(path), from))
  const insides = paths.filter((to) => plugins.some(({ folder }) => to.startsWith(folder)))
  const imported = [...text.matchAll(/^import (?:type )?\{([^}]*)\} from '[^']*\/(?:log|stores|sinks)(?:\/index\.ts)?'/gm)]
    .flatMap(([, names]) => names!.split(','))
    .map((name) => name.replace('type ', '').split(' as ')[0]!.trim())
  return [...new Set([...literals, ...insides, ...imported.filter((name) => passedOn.includes(name))])].map(
    (name) => `${path} names ${name}`,
  )
}

test('nothing outside its folder and its kind names a log, a store or a sink', () => {
  const outside = ['cloud-processor/src', 'cli/src'].flatMap(sourcesBelow).filter(({ path }) => {
    const isInside =
      plugins.some(({ folder }) => path.startsWith(folder)) || kinds.some((folder) => path === `${folder}/index.ts`)
    return !isInside && !isTest(path)
  })
  const remedy = 'Ask for a flag of the plug-in, or let the plug-in do it: see cloud-processor/src/kinds/plugin.ts.'
  expect(outside.flatMap(namesIn), remedy).toEqual([])
})

test('and the ways to name one are found', () => {
  const at = (text: string, ...imports: string[]) => namesIn({ path: 'cloud-processor/src/roles/x.ts', text, imports })
  expect(at("if (config.store.kind === 'influxdb') x()")).toEqual(['cloud-processor/src/roles/x.ts names influxdb'])
  expect(at('', '../sinks/kafka/kafka.ts')).toEqual([
    'cloud-processor/src/roles/x.ts names cloud-processor/src/sinks/kafka/kafka.ts',
  ])
  expect(at("import { type Store, openInfluxStore } from '../stores/index.ts'")).toEqual([
    'cloud-processor/src/roles/x.ts names openInfluxStore',
  ])
})

test.each(engineKinds)('the kind $name has plug-ins, a conformance and a README that says how to add one', (kind) => {
  expect(pluginsOf(kind)).not.toEqual([])
  for (const part of ['conformance.ts', 'index.ts', 'README.md'])
    expect(existsSync(join(root, kind.folder, part)), part).toBe(true)
})

test.each(plugins)('$folder has what a plug-in has, and one line in index.ts', ({ kind, folder, name }) => {
  const missing = [...kind.parts, 'README.md', `${name}.ts`].filter((part) => !existsSync(join(root, folder, part)))
  expect(missing, 'A plug-in is one folder with the same things; see CONTRIBUTING.md.').toEqual([])
  const [index] = sourcesBelow(kind.folder).filter(({ path }) => path === `${kind.folder}/index.ts`)
  expect(index!.imports).toContain(`./${name}/plugin.ts`)
})

const suites = readdirSync(join(root, 'test/conformance'))

test.each(plugins)('$folder runs the conformance of its kind', ({ folder, name }) => {
  const own = join(root, folder, `${name}.test.ts`)
  const isOwn = existsSync(own) && readFileSync(own, 'utf8').includes("from '../conformance.ts'")
  const remedy = `Run it in ${name}.test.ts, or on a real engine by a program test/conformance/...-${name}.ts.`
  expect(isOwn || suites.some((file) => file.endsWith(`-${name}.ts`)), remedy).toBe(true)
})
