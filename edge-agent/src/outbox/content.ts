/**
 * An entry's payload. At rest: JSON (UTF-8), or the same as a zstd frame where that is smaller; the first byte tells which
 * (`{` or 28h). Data is columns keyed by alias, `{"c":{"17":{"t":[],"v":[]}},"w":{},"a":[],"b":[]}`: absent parts are left out.
 * It becomes Sparkplug only when it is sent, because time, sequence and `is_historical` differ with each sending.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { BadFrame, Columns } from '@millrace/contract'
import type { EntryKind } from './entry.ts'

/** Columns are keyed by alias, in decimal. */
export interface Batch {
  columns: Columns
  bad: BadFrame[]
}

/** A batch, or the JSON text of a ledger, gap or alarm record. */
export type Content = { batch: Batch } | { text: string }

/** Below this zstd costs more than it saves. */
const compressBytesMin = 1024
const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function encodeContent(content: Content): Uint8Array {
  const plain = encoder.encode('text' in content ? content.text : JSON.stringify(shorten(content.batch)))
  if (plain.length < compressBytesMin) return plain
  const small = zstdCompressSync(plain, level)
  return small.length < plain.length ? new Uint8Array(small) : plain
}

/** @throws when the bytes are not what `encodeContent` made. */
export function decodeContent(kind: EntryKind, payload: Uint8Array): Content {
  const text = decoder.decode(payload[0] === 0x28 ? zstdDecompressSync(payload) : payload)
  if (kind !== 'data') return { text }
  const { c, w, a, b } = JSON.parse(text)
  return { batch: { columns: { channels: c ?? {}, waves: w ?? {}, ...(a ? { absences: a } : {}) }, bad: b ?? [] } }
}

function shorten({ columns, bad }: Batch): object {
  return {
    ...(isEmpty(columns.channels) ? {} : { c: columns.channels }),
    ...(isEmpty(columns.waves) ? {} : { w: columns.waves }),
    ...(columns.absences?.length ? { a: columns.absences } : {}),
    ...(bad.length > 0 ? { b: bad } : {}),
  }
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}
