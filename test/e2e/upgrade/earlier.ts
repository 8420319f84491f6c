/** The code of an earlier version, from the history of this repository, with the packages that are installed here. */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CannotRun } from '../../support/program.ts'

const here = fileURLToPath(new URL('../../../', import.meta.url))

interface Manifest {
  name?: string
  workspaces?: string[]
  dependencies?: Record<string, string>
}

/** @param folder where to put it. @throws CannotRun where this clone does not have the commit, or a package that it needs. */
export function checkOut(commit: string, folder: string): void {
  const git = (...args: string[]) => execFileSync('git', ['-C', here, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    git('cat-file', '-e', `${commit}^{commit}`)
  } catch {
    throw new CannotRun(`this clone does not have commit ${commit}. Run: git fetch --unshallow, or give --from <folder>`)
  }
  mkdirSync(folder)
  git('archive', '--output', `${folder}.tar`, commit)
  execFileSync('tar', ['-xf', `${folder}.tar`, '-C', folder])
  linkPackages(folder)
}

/** The file of what a package of that version exports. */
export function findIn(folder: string): (specifier: string) => string {
  const { resolve } = createRequire(join(folder, 'package.json'))
  return (specifier) => resolve(specifier)
}

/** Packages of others are those of this version; our own are those of the folder, or it would run the code of this one. */
function linkPackages(folder: string): void {
  const from = join(here, 'node_modules')
  const to = join(folder, 'node_modules')
  mkdirSync(join(to, '@millrace'), { recursive: true })
  for (const name of readdirSync(from))
    if (name !== '@millrace' && !lstatSync(join(from, name)).isSymbolicLink()) symlinkSync(join(from, name), join(to, name))
  for (const part of read(folder).workspaces ?? []) {
    const { name, dependencies = {} } = read(join(folder, part))
    symlinkSync(join(folder, part), join(to, name!))
    for (const dependency of Object.keys(dependencies))
      if (!dependency.startsWith('@millrace/') && dependency !== 'millrace' && !existsSync(join(from, dependency)))
        throw new CannotRun(`${name} of that version needs ${dependency}, which is not installed here`)
  }
}

function read(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
