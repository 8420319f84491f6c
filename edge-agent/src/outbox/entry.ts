import { crc32 } from 'node:zlib'

/**
 * What the outbox knows of a stored entry without its payload. On disk an entry's meta is a JSON array:
 *
 * `[kind, stream, number, device, declaration, count, samples, bytes, first, last, created, before, crc, guard, check]`
 *
 * `check` is the CRC-32 of the id and the array without it; agents before it wrote none, and pass over it.
 *
 * An entry is *data* (one batch of one device), a *ledger*, *gap* or *alarm* record; all share the numbers of their stream.
 */
export interface Entry {
  /** Order of creation over all streams. */
  id: number
  kind: EntryKind
  stream: string
  number: number
  /** Empty unless it is data. */
  device: string
  /** Id of the declaration that the payload's aliases are in; empty unless it is data. */
  declaration: string
  /** Scalar readings and waveform samples inside. */
  count: number
  samples: number
  /** Length of the payload as stored. */
  bytes: number
  /** First and last time covered, epoch ms. */
  first: number
  last: number
  /** Wall clock when it was made, epoch ms. */
  createdMs: number
  /** Number of this device's data entry before this one in the stream; 0 for the first. */
  before: number
  /** CRC-32 of the payload. */
  crc: number
  /** While this entry is here, the floor of that stream is at most that number: what it says of them is still to be read. */
  guard?: { stream: string; number: number }
}

/** What an entry takes of the outbox's bound beyond its payload: meta, keys, half-filled pages. */
const overheadBytes = 256

export function storedBytes(entry: Entry): number {
  return entry.bytes + overheadBytes
}

/** Below this a wall clock is one that was never set (a gateway without a battery starts in 1970). */
const saneMs = Date.UTC(2024, 0)

export function isSane(wallMs: number): boolean {
  return wallMs >= saneMs
}

const kinds = ['data', 'ledger', 'gap', 'alarm'] as const
export type EntryKind = (typeof kinds)[number]

export function formatEntry(e: Entry): string {
  const guard = e.guard ? [e.guard.stream, e.guard.number] : 0
  const times = [e.first, e.last, e.createdMs, e.before]
  const text = JSON.stringify([
    kinds.indexOf(e.kind),
    e.stream,
    e.number,
    e.device,
    e.declaration,
    e.count,
    e.samples,
    e.bytes,
    ...times,
    e.crc,
    guard,
  ])
  return `${text.slice(0, -1)},${checkOf(e.id, text)}]`
}

function checkOf(id: number, text: string): number {
  return crc32(`${id}${text}`)
}

/** @throws Error when the meta is not what `formatEntry` made; without an id the check sum is not compared */
export function parseEntry(id: number | undefined, meta: string): Entry {
  const [kind, stream, number, device, declaration, count, samples, bytes, first, last, createdMs, before, crc, guard, check] =
    JSON.parse(meta)
  if (id !== undefined && check !== undefined && check !== checkOf(id, `${meta.slice(0, meta.lastIndexOf(','))}]`))
    throw new Error(`the meta of entry ${id} was altered`)
  const entry: Entry = {
    id: id ?? 0,
    kind: kinds[kind]!,
    stream,
    number,
    device,
    declaration,
    count,
    samples,
    bytes,
    first,
    last,
    createdMs,
    before,
    crc,
  }
  if (guard) entry.guard = { stream: guard[0], number: guard[1] }
  return entry
}
