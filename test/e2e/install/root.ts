/** A clean Debian with systemd in a folder, made by debootstrap once and copied for each run; what runs in it runs by chroot. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findCached, intoCache } from '../../engines/cache.ts'
import { needs, run } from '../../engines/command.ts'
import { CannotRun } from '../../support/program.ts'

const cached = 'debian-bookworm-systemd'

export interface CleanRoot {
  path(inside: string): string
  has(inside: string): boolean
  /** As root. @throws Error with the end of what it wrote. */
  run(command: string, ...args: string[]): Promise<string>
  /** The arguments of `chroot` that run a command as a user of the root. */
  as(user: string, ...command: string[]): string[]
  /** Paths whose name holds a word. */
  find(word: string): string[]
  close(): void
}

/** @throws CannotRun where this machine cannot make one. */
export async function cleanRoot(folder: string, say: (text: string) => void): Promise<CleanRoot> {
  const from = await getRoot(say)
  execFileSync('cp', ['-a', from, folder])
  mkdirSync(join(folder, 'proc'), { recursive: true })
  execFileSync('mount', ['-t', 'proc', 'proc', join(folder, 'proc')])
  return {
    path: (inside) => join(folder, inside),
    has: (inside) => existsSync(join(folder, inside)),
    run: (command, ...args) =>
      run('chroot', [folder, command, ...args], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } }),
    as: (user, ...command) => [`--userspec=${user}:${user}`, folder, ...command],
    find: (word) => {
      const args = [folder, '-xdev', '-path', join(folder, 'proc'), '-prune', '-o', '-name', `*${word}*`, '-print']
      const found = execFileSync('find', args, { encoding: 'utf8' }).split('\n').filter(Boolean)
      return found.map((path) => path.slice(folder.length))
    },
    close: () => void execFileSync('umount', [join(folder, 'proc')]),
  }
}

async function getRoot(say: (text: string) => void): Promise<string> {
  if (process.getuid?.() !== 0) throw new CannotRun('a root directory is entered by root alone')
  try {
    needs('debootstrap', 'Install the package debootstrap.')
    if (!(await findCached(cached))) say('making a clean Debian, once')
    await intoCache(cached, async (dir) => {
      await run('debootstrap', ['--variant=minbase', '--include=systemd', 'bookworm', join(dir, 'root')])
    })
  } catch (error) {
    throw new CannotRun((error as Error).message)
  }
  return join((await findCached(cached))!.where, 'root')
}
