/**
 * Programs of Debian packages, without root and without installing them: `apt-get download` and `dpkg -x` into the cache. A
 * script beside them runs the program with the libraries that came with it.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, findCached, intoCache } from './cache.ts'
import { needs, onPath, run } from './command.ts'
import type { Found } from './engine.ts'

export interface DebianProgram {
  /** Of the folder in the cache. */
  name: string
  /** The first one has the program; the others are libraries that a small Debian does not have. */
  packages: string[]
  /** From `/`, in the package. */
  program: string
  /** Arguments that make it say its version, and where in what it says. */
  version: { args: string[]; pattern: RegExp }
}

/** The program's path: the system's own first, then the cache's. */
export async function findDebian(debian: DebianProgram): Promise<(Found & { program: string }) | undefined> {
  const installed = onPath(debian.program.slice(debian.program.lastIndexOf('/') + 1))
  if (installed) return { program: installed, where: installed, version: await versionOf(installed, debian.version) }
  const cached = await findCached(debian.name)
  return cached && { ...cached, program: join(cached.where, 'run') }
}

export async function getDebian(debian: DebianProgram, say: (text: string) => void): Promise<void> {
  const remedy = `Install the package ${debian.packages[0]} by hand.`
  needs('dpkg', `This is not a Debian. ${remedy}`)
  needs('apt-get', `This is not a Debian. ${remedy}`)
  await intoCache(debian.name, async (dir) => {
    const packages = join(dir, 'packages')
    mkdirSync(packages)
    await download(debian.packages, packages, say)
    const files = readdirSync(packages)
    for (const file of files) await run('dpkg', ['-x', join(packages, file), dir])
    const main = files.find((file) => file.startsWith(`${debian.packages[0]}_`))!
    const version = await run('dpkg-deb', ['-f', join(packages, main), 'Version'])
    rmSync(packages, { recursive: true })
    keepOnly(dir, debian.program)
    writeFileSync(join(dir, 'version'), version)
    writeFileSync(join(dir, 'run'), script(debian.program))
    chmodSync(join(dir, 'run'), 0o755)
  })
}

/** A machine that never asked for Debian's package lists gets some of its own, which needs no root either. */
async function download(packages: string[], dir: string, say: (text: string) => void): Promise<void> {
  const ownLists = join(cacheDir, 'apt')
  mkdirSync(join(ownLists, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(ownLists, 'cache', 'archives', 'partial'), { recursive: true })
  const unsandboxed = ['-o', 'APT::Sandbox::User=root', '-q']
  const own = ['-o', `Dir::State::lists=${ownLists}/lists`, '-o', `Dir::Cache=${ownLists}/cache`, ...unsandboxed]
  try {
    await run('apt-get', [...unsandboxed, 'download', ...packages], { cwd: dir })
  } catch {
    say('asking for the package lists')
    await run('apt-get', [...own, 'update'])
    await run('apt-get', [...own, 'download', ...packages], { cwd: dir })
  }
}

/** Of the program's folder only the program, and of the rest only libraries: the packages hold manuals and more programs. */
function keepOnly(dir: string, program: string): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isDirectory() && path !== join(dir, program) && !/\.so(\.|$)/.test(entry.name)) rmSync(path)
  }
}

function script(program: string): string {
  return `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
for folder in "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-* "$here"/usr/lib; do libraries="$libraries\${libraries:+:}$folder"; done
LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here${program}" "$@"
`
}

async function versionOf(program: string, { args, pattern }: DebianProgram['version']): Promise<string> {
  const said = await run(program, args).catch((error: Error) => error.message)
  return pattern.exec(said)?.[1] ?? 'as installed'
}
