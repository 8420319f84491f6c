/**
 * What each file exports and who imports it, read off the formatted sources. Names travel through re-exports: who imports
 * `x` from an `index.ts` uses the `x` of the file that the index has it from.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { root, type Source, sourcesBelow } from './sources.ts'

export interface Export {
  path: string
  name: string
}

const declared = /^export (?:default )?(?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type) (\w+)/gm
const clause = /^(import|export)\s+(?:type\s+)?(\*(?:\s+as\s+\w+)?|\{[^}]*\}|\w+(?:,\s*\{[^}]*\})?)\s+from\s+'([^']+)'/gm
const lazily = /import\('([^']+)'\)/g

/** Exports that no file uses which `counts`; those of public files are for everybody. */
export function unusedExports(folders: string[], counts: (path: string) => boolean): Export[] {
  const sources = folders.flatMap(sourcesBelow)
  const targets = publicFiles(folders)
  const used = new Set<string>()
  const byPath = new Map(sources.map((source) => [source.path, source]))
  for (const path of targets.values()) useAll(path)
  for (const source of sources.filter(({ path }) => counts(path))) {
    for (const { kind, names, from } of clausesOf(source))
      if (kind === 'import') for (const name of names) use(resolve(source, from), name)
    for (const [, from] of source.text.matchAll(lazily)) useAll(resolve(source, from!))
  }
  return sources
    .flatMap(({ path, text }) => [...text.matchAll(declared)].map((match) => ({ path, name: match[1]! })))
    .filter(({ path, name }) => !used.has(`${path} ${name}`))

  function use(path: string | undefined, name: string): void {
    if (path === undefined || used.has(`${path} ${name}`)) return
    if (name === '*') return useAll(path)
    used.add(`${path} ${name}`)
    for (const { kind, names, from } of clausesOf(byPath.get(path)))
      if (kind === 'export' && (names.includes(name) || names.includes('*'))) use(resolve(byPath.get(path)!, from), name)
  }

  function useAll(path: string | undefined): void {
    const source = path === undefined ? undefined : byPath.get(path)
    if (!source) return
    for (const match of source.text.matchAll(declared)) used.add(`${source.path} ${match[1]}`)
    for (const { kind, names, from } of clausesOf(source))
      if (kind === 'export') for (const name of names) use(resolve(source, from), name)
  }

  function resolve(source: Source, from: string): string | undefined {
    if (from.startsWith('.')) return posix.normalize(posix.join(posix.dirname(source.path), from))
    return targets.get(from)
  }
}

/** Specifier to file, of all that the packages' `exports` name. */
function publicFiles(folders: string[]): Map<string, string> {
  const files = new Map<string, string>()
  for (const folder of folders) {
    const path = join(root, folder, 'package.json')
    if (!existsSync(path)) continue
    const { name, exports = {} } = JSON.parse(readFileSync(path, 'utf8')) as { name: string; exports?: Record<string, string> }
    for (const [key, file] of Object.entries(exports)) files.set(posix.join(name, key), posix.join(folder, file))
  }
  return files
}

function clausesOf(source: Source | undefined): { kind: string; names: string[]; from: string }[] {
  return [...(source?.text ?? '').matchAll(clause)].map(([, kind, names, from]) => ({
    kind: kind!,
    names: namesOf(names!),
    from: from!,
  }))
}

function namesOf(text: string): string[] {
  if (text.startsWith('*')) return ['*']
  return (/\{([^}]*)\}/.exec(text)?.[1] ?? '')
    .split(',')
    .map((part) =>
      part
        .trim()
        .replace(/^type\s+/, '')
        .split(' as ')[0]!
        .trim(),
    )
    .filter(Boolean)
}
