/**
 * What was refused of a file, one JSON line each: `{"row": 7, "reason": "time", "value": ...}`. It is on the disk before the
 * watermark that counts it; what a killed import wrote beyond its watermark is cut off at the next start.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '@millrace/platform'
import type { Refused } from './gathering.ts'

/** Of one value. */
const shownMax = 500

export class Rejects {
  readonly path: string
  bytes: number
  #left: number
  #file: number | undefined

  /** @param counted refused before, of which those up to `max` were written */
  constructor(folder: string, name: string, { bytes, counted, max }: { bytes: number; counted: number; max: number }) {
    this.path = join(folder, `${name}.jsonl`)
    this.bytes = bytes
    this.#left = Math.max(0, max - counted)
    makeFolder(folder)
    if (existsSync(this.path)) ftruncateSync(this.#open(), bytes)
  }

  add(refused: Refused[]): void {
    const kept = refused.slice(0, this.#left)
    if (kept.length === 0) return
    this.#left -= kept.length
    const text = kept.map((one) => `${JSON.stringify({ ...one, value: shown(one.value) })}\n`).join('')
    const file = this.#open()
    this.bytes += writeSync(file, text, this.bytes)
    fsyncSync(file)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #open(): number {
    this.#file ??= openSync(this.path, existsSync(this.path) ? 'r+' : 'w+', 0o600)
    return this.#file
  }
}

function shown(value: unknown): unknown {
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part)) ?? 'nothing'
  return text.length <= shownMax ? JSON.parse(text === 'nothing' ? 'null' : text) : text.slice(0, shownMax)
}
