/**
 * What an archive asks of a file system, one call each, so that a test can end the process between any two of them. Paths are
 * relative to the archive's folder. What is in a file is on the disk when the file is synced, its name when its folder is.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolder, syncFolder } from '@millrace/platform'

export interface NewFile {
  write(bytes: Uint8Array): void
  /** On the disk when it returns. */
  sync(): void
  close(): void
}

export interface OpenFile {
  byteLength: number
  slice(start: number, end?: number): ArrayBuffer
  close(): void
}

export interface Disk {
  /** Names in a folder; none where it does not exist. */
  list(folder: string): string[]
  read(path: string): Uint8Array
  open(path: string): OpenFile
  /** With those above it; synced. What is there stays. */
  makeFolder(path: string): void
  /** @throws when it exists */
  create(path: string): NewFile
  /** A second name for a file. @throws with code EEXIST when the name is taken */
  link(from: string, to: string): void
  rename(from: string, to: string): void
  /** What is not there is removed already. */
  remove(path: string): void
  sync(folder: string): void
}

export function nodeDisk(root: string): Disk {
  const at = (path: string) => join(root, path)
  return {
    list: (folder) => namesIn(at(folder)),
    read: (path) => readFileSync(at(path)),
    open: (path) => openFile(at(path)),
    makeFolder: (path) => makeDurableFolder(at(path)),
    create: (path) => createFile(at(path)),
    link: (from, to) => linkSync(at(from), at(to)),
    rename: (from, to) => renameSync(at(from), at(to)),
    remove: (path) => rmSync(at(path), { force: true }),
    sync: (folder) => syncFolder(at(folder)),
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function openFile(path: string): OpenFile {
  const file = openSync(path, 'r')
  const byteLength = fstatSync(file).size
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start)
      let length = 0
      while (length < bytes.length) {
        const read = readSync(file, bytes, length, bytes.length - length, start + length)
        if (read === 0) throw new Error(`${path} ends at ${start + length}, before ${end}`)
        length += read
      }
      return bytes.buffer
    },
    close: () => closeSync(file),
  }
}

function makeDurableFolder(path: string): void {
  for (const folder of makeFolder(path).reverse()) syncFolder(dirname(folder))
}

function createFile(path: string): NewFile {
  const file = openSync(path, 'wx', 0o600)
  return {
    write(bytes) {
      for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from)
    },
    sync: () => fsyncSync(file),
    close: () => closeSync(file),
  }
}
