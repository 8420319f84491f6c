/** The packages that a program loads, with those that they load in turn. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Found {
  path: string
  /** Where it lies below a node_modules of its own: `a`, or `a/node_modules/b` where a needs another version of b. */
  at: string
}

/** @throws Error where one is not installed. */
export function packagesOf(names: string[], from: string): Found[] {
  const found = new Map<string, Found>()
  const add = (name: string, parent: string) => {
    const path = resolve(name, parent)
    if (found.has(path)) return
    found.set(path, { path, at: path.slice(path.indexOf('/node_modules/') + '/node_modules/'.length) })
    const { dependencies = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    for (const dependency of Object.keys(dependencies)) add(dependency, path)
  }
  for (const name of names) add(name, from)
  return [...found.values()]
}

function resolve(name: string, from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(path)) return path
  }
  throw new Error(`${name} is not installed. Run: npm install`)
}
