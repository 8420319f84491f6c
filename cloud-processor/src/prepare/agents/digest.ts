/** A cheap fingerprint of a batch's content, to tell a repeat from another batch that came under the same name. FNV-1a, 32 bits. */
import type { Columns, Value } from '@millrace/contract'
import { fnv1a, fnvStart } from '@millrace/platform'

/** Of each channel and segment: name, length, first and last time and value. */
export function digestOf({ channels, waves }: Columns): number {
  let hash = fnvStart
  for (const name in channels) {
    const { t, v } = channels[name]!
    hash = mixEnds(mixText(hash, name), t.length, t[0], v[0])
    hash = mixEnds(hash, 0, t.at(-1), v.at(-1))
  }
  for (const name in waves) {
    for (const { t, v } of waves[name]!) hash = mixEnds(mixEnds(mixText(hash, name), v.length, t, v[0]), 1, 0, v.at(-1))
  }
  return hash >>> 0
}

export function digestText(text: string): number {
  return mixText(fnvStart, text) >>> 0
}

function mixEnds(hash: number, length: number, t: number | undefined, v: Value | undefined): number {
  const placed = mixNumber(fnv1a(hash, length), t ?? 0)
  return typeof v === 'number' ? mixNumber(placed, v) : mixText(placed, `${v}`)
}

const float = new Float64Array(1)
const halves = new Int32Array(float.buffer)

function mixNumber(hash: number, value: number): number {
  float[0] = value
  return fnv1a(fnv1a(hash, halves[0]!), halves[1]!)
}

function mixText(hash: number, text: string): number {
  let mixed = hash
  for (let i = 0; i < text.length; i++) mixed = fnv1a(mixed, text.charCodeAt(i))
  return mixed
}
