/**
 * A disk in memory that may lose power: after that a file has what was synced of it, and half of the rest; a folder has the names that
 * it had when it was synced. Each call is an operation, by which a test says when the power goes.
 */
import type { Disk } from '../disk.ts'

interface Inode {
  bytes: Buffer
  synced: number
}

export class PowerCut extends Error {}

export class MemoryDisk implements Disk {
  #names = new Map<string, Inode>()
  #durable = new Map<string, Inode>()
  operations = 0
  cutAt = Number.POSITIVE_INFINITY

  /** The power is back. */
  restart(): void {
    for (const inode of this.#durable.values())
      inode.bytes = inode.bytes.subarray(0, inode.synced + Math.floor((inode.bytes.length - inode.synced) / 2))
    this.#names = new Map(this.#durable)
    this.cutAt = Number.POSITIVE_INFINITY
    this.operations = 0
  }

  list(folder: string): string[] {
    const prefix = folder === '.' ? '' : `${folder}/`
    const inside = [...this.#names.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
    return [...new Set(inside.map((path) => path.split('/')[0]!))]
  }

  read(path: string): Uint8Array {
    return this.#at(path).bytes
  }

  open(path: string) {
    const { bytes } = this.#at(path)
    return {
      byteLength: bytes.length,
      slice: (start: number, end = bytes.length) => new Uint8Array(bytes.subarray(start, end)).buffer,
      close() {},
    }
  }

  makeFolder(): void {
    this.#operate()
  }

  create(path: string) {
    this.#operate()
    if (this.#names.has(path)) throw Object.assign(new Error(path), { code: 'EEXIST' })
    const inode: Inode = { bytes: Buffer.alloc(0), synced: 0 }
    this.#names.set(path, inode)
    return {
      write: (bytes: Uint8Array) => {
        const half = bytes.subarray(0, bytes.length / 2)
        inode.bytes = Buffer.concat([inode.bytes, half])
        this.#operate()
        inode.bytes = Buffer.concat([inode.bytes, bytes.subarray(half.length)])
      },
      sync: () => {
        this.#operate()
        inode.synced = inode.bytes.length
      },
      close() {},
    }
  }

  link(from: string, to: string): void {
    this.#operate()
    if (this.#names.has(to)) throw Object.assign(new Error(to), { code: 'EEXIST' })
    this.#names.set(to, this.#at(from))
  }

  rename(from: string, to: string): void {
    this.#operate()
    this.#names.set(to, this.#at(from))
    this.#names.delete(from)
  }

  remove(path: string): void {
    this.#operate()
    this.#names.delete(path)
  }

  sync(folder: string): void {
    this.#operate()
    const isIn = (path: string) => path.slice(0, path.lastIndexOf('/')) === folder
    for (const path of this.#durable.keys()) if (isIn(path) && !this.#names.has(path)) this.#durable.delete(path)
    for (const [path, inode] of this.#names) if (isIn(path)) this.#durable.set(path, inode)
  }

  #at(path: string): Inode {
    const inode = this.#names.get(path)
    if (!inode) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })
    return inode
  }

  #operate(): void {
    if (++this.operations >= this.cutAt) throw new PowerCut()
  }
}
