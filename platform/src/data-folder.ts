/**
 * The one way to make a folder: 0700 where nothing else is said, level by level from the first one that is there, since a recursive mkdir never returns
 * where a file system takes no folders (`/proc/x`). Files are made 0600 by the umask of a service (run.ts), and SQLite files by every
 * program (`makePrivate`); those of earlier versions are tightened here.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { MillraceError } from './errors.ts'
import type { Log } from './log.ts'

/** Makes the folder, and says when others may read one that was there. @throws MillraceError DATA_FOLDER */
export function openDataFolder(path: string, log: Pick<Log, 'warn'>): void {
  const wasThere = existsSync(path)
  makeFolder(path)
  attempt(path, () => accessSync(path, constants.W_OK | constants.X_OK))
  if (!wasThere) return
  const mode = statSync(path).mode & 0o777
  if ((mode & 0o077) !== 0)
    log.warn('other users may look into the data folder; `chmod 700` closes it', {
      path,
      mode: mode.toString(8).padStart(4, '0'),
    })
  for (const name of readdirSync(path)) if (/\.sqlite(?:-wal|-shm)?$/.test(name)) tighten(join(path, name))
}

/** Returns the folders that were not there, the topmost first. @throws MillraceError DATA_FOLDER */
export function makeFolder(path: string, mode = 0o700): string[] {
  return attempt(path, () => makeBelow(resolve(path), mode))
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new MillraceError('DATA_FOLDER', { path, detail: (cause as Error).message }, cause)
  }
}

function makeBelow(path: string, mode: number): string[] {
  const found = lookAt(path)
  if (found && !found.isDirectory()) throw new Error(`${path} is a file`)
  if (found) return []
  const parent = dirname(path)
  if (parent === path) throw new Error(`${path} is not there`)
  const made = makeBelow(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process may make it at the same time.
    if (!lookAt(path)?.isDirectory()) throw error
  }
  return [...made, path]
}

/** Below a file there is nothing: the file is told of on the way up. */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw error
  }
}

/** An empty file for this user alone, whatever the umask is, where none is there: what is made of it keeps the mode. */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch {
    // It is there, or who opens it says why it cannot be.
  }
}

/** Of another user it stays as it is: the warning is about the folder. */
function tighten(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  } catch {}
}
