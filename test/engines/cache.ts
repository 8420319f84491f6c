/**
 * The folder that engines are got into: `$MILLRACE_ENGINES`, else `.cache/engines` of the repository.
 *
 * `<name>-<version>/` appears whole or not at all: it is filled under another name and renamed. One lock file for the whole
 * folder lets test programs that run at the same time get the same engine once; a lock whose owner is gone is taken away.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../support/process-facts.ts'
import { until } from '../support/until.ts'
import type { Found } from './engine.ts'

export const cacheDir = process.env.MILLRACE_ENGINES || fileURLToPath(new URL('../../.cache/engines', import.meta.url))

const lockWaitMsMax = 30 * 60_000

/** Fills `<folder>` by `fill` unless it is there already. */
export async function intoCache(folder: string, fill: (dir: string) => Promise<void>): Promise<void> {
  await locked(async () => {
    if (await findCached(folder)) return
    const filling = join(cacheDir, `.${folder}.${process.pid}`)
    mkdirSync(filling, { recursive: true })
    try {
      await fill(filling)
      renameSync(filling, join(cacheDir, folder))
    } finally {
      rmSync(filling, { recursive: true, force: true })
    }
  })
}

/** The folder in the cache, with the version that a file `version` in it states, or else its name. */
export async function findCached(folder: string): Promise<Found | undefined> {
  const where = join(cacheDir, folder)
  try {
    const bytes = await bytesBelow(where)
    return { version: versionIn(where) ?? folder.slice(folder.lastIndexOf('-') + 1), where, bytes }
  } catch {
    return undefined
  }
}

function versionIn(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, 'version'), 'utf8').trim()
  } catch {
    return undefined
  }
}

async function bytesBelow(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function locked(work: () => Promise<void>): Promise<void> {
  mkdirSync(cacheDir, { recursive: true })
  const lock = join(cacheDir, '.lock')
  await until(`the lock ${lock}`, () => take(lock), { withinMs: lockWaitMsMax, everyMs: 200 })
  try {
    await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' })
    return true
  } catch {
    removeAbandoned(lock)
    return false
  }
}

/** Renaming lets one of several that find the owner gone take the lock away. */
function removeAbandoned(lock: string): void {
  try {
    const owner = Number(readFileSync(lock, 'utf8'))
    // Empty for a moment, between its making and its writing.
    if (!owner || isAlive(owner)) return
    const aside = `${lock}.${process.pid}`
    renameSync(lock, aside)
    rmSync(aside)
  } catch {
    // Another process was quicker.
  }
}
