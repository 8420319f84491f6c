/** The project's source files and what they import. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const folders = 'platform contract alarms edge-agent broker cloud-processor simulators dashboards cli test'.split(' ')

/** Tests, and what only they use. */
export const isTest = (path: string) => /\.test\.tsx?$|conformance|testing|^test\//.test(path)

export interface Source {
  /** From the root, with `/`. */
  path: string
  text: string
  /** Specifiers of static imports and re-exports. */
  imports: string[]
}

const importPattern = /^\s*(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]/gm

export function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name)
      const text = readFileSync(file, 'utf8')
      return { path: relative(root, file), text, imports: [...text.matchAll(importPattern)].map((match) => match[1]!) }
    })
}
