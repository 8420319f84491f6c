/**
 * A copy of the tree with one more plug-in of each kind: the sample of `one-of-each/<folder>/`, where every file has `.txt` behind
 * its name, and its line in the kind's `index.ts`.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kind } from './kinds.ts'
import { root } from './sources.ts'

const samples = fileURLToPath(new URL('one-of-each', import.meta.url))
/** The packages of the workspace are links to folders of the tree; in the copy they must be the copy's. */
const ours = '@millrace'

export function copyTree(to: string): void {
  const left = (path: string) => /^(?:node_modules|\..+|dist)$/.test(path) || path.startsWith('test/tidy/one-of-each')
  cpSync(root, to, { recursive: true, filter: (from) => from === root || !left(relative(root, from)) })
  mkdirSync(join(to, 'node_modules', ours), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== ours && !/^\.(?!bin$)/.test(name)) symlinkSync(join(root, 'node_modules', name), join(to, 'node_modules', name))
  for (const name of readdirSync(join(root, 'node_modules', ours)))
    symlinkSync(join('../..', name), join(to, 'node_modules', ours, name))
}

export interface Added {
  plugin: string
  /** What was written, from the root of the copy. */
  files: string[]
}

export function addOne({ folder, entry }: Kind, tree: string): Added {
  const [plugin] = readdirSync(join(samples, folder))
  if (plugin === undefined) throw new Error(`no sample in ${folder}`)
  const files = readdirSync(join(samples, folder, plugin), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const from = join(entry.parentPath, entry.name)
      const path = relative(samples, from).replace(/\.txt$/, '')
      mkdirSync(dirname(join(tree, path)), { recursive: true })
      cpSync(from, join(tree, path))
      return path
    })
  const index = join(tree, folder, 'index.ts')
  writeFileSync(index, withLine(readFileSync(index, 'utf8'), plugin, entry))
  return { plugin, files: [...files.sort(), `${folder}/index.ts`] }
}

/** Its import behind the others, and its name at the end of the list that has all of them. */
export function withLine(index: string, plugin: string, entry = `${plugin}.ts`): string {
  const all = [...index.matchAll(/^import \{ (\w+)[^}]*\} from '\.\/([\w-]+)\/([\w-]+\.ts)'\n/gm)]
  const imports = all.filter(([, , folder, file]) => file === entry || file === `${folder}.ts`)
  const others = new Set(imports.map(([, name]) => name!))
  const lists = [...index.matchAll(/\[([\w,\s]+)\]/g)]
  const list = lists.find(([, text]) => others.isSubsetOf(new Set(text!.match(/\w+/g))))
  if (!list || imports.length === 0) throw new Error(`there is no list of plug-ins in:\n${index}`)
  const name = plugin.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const last = imports.at(-1)![0]
  const more = `[${list[1]!.trimEnd().replace(/,$/, '')}, ${name}]`
  return index.replace(list[0], more).replace(last, `${last}import { ${name} } from './${plugin}/${entry}'\n`)
}
