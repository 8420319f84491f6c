/**
 * The pending gap: what left the outbox without a receipt and is not told to the cloud yet. It is one small record, updated
 * in the transaction that evicts, so its size is bounded and needs no room that an eviction does not free.
 *
 * It is a list of *stretches*: numbers of one stream, and for each device one contiguous time. An entry joins a stretch when nothing of its device survived between them, which is known from the
 * number of the device's entry before it. Past `stretchesMax` neighbours are joined, and then a gap may span survivors.
 */

import { addRange, addTally, type GapRecord, type Ranges, removeNumber, type Tally } from '@millrace/contract'
import { ownOr, ownValue, setOwn } from '@millrace/platform'
import type { Entry } from './entry.ts'

/** `evicted` at a bound; `set-aside` after sendings that nobody receipted, or when its bytes could not be read. */
export type GapReason = GapRecord['reason']

interface Lost {
  fromMs: number
  toMs: number
  lost: Tally
  /** The device's number before the first one lost, and the last one lost. */
  before: number
  last: number
}

interface Stretch {
  reason: GapReason
  stream: string
  numbers: Ranges
  devices: Record<string, Lost>
}

export type PendingGap = Stretch[]

/** What a gap needs to know of an entry. */
export type Gone = Pick<Entry, 'stream' | 'number' | 'device' | 'before' | 'count' | 'samples' | 'first' | 'last'> & {
  /** Last number, where it covers several batches of the device that never reached the disk. */
  through?: number
}

const stretchesMax = 200
/** A gap record stays well below a packet. */
const rangesMax = 500
const devicesMax = 200

/** Adds in place. */
export function addToGap(gap: PendingGap, reason: GapReason, gone: Gone): void {
  let stretch = gap.find((s) => s.reason === reason && s.stream === gone.stream && accepts(s, gone))
  if (!stretch) {
    stretch = { reason, stream: gone.stream, numbers: [], devices: {} }
    gap.push(stretch)
  }
  addRange(stretch.numbers, gone.number, gone.through ?? gone.number)
  if (gone.device !== '') addLost(stretch, gone)
  joinNeighbours(gap, stretch)
  if (gap.length > stretchesMax) squeeze(gap)
}

/** Adds in place all that another gap tells, which comes after it. */
export function joinGap(gap: PendingGap, other: PendingGap): void {
  for (const stretch of structuredClone(other)) {
    const into = gap.findLast((known) => touches(known, stretch)) ?? stretch
    if (into === stretch) gap.push(stretch)
    else join(into, stretch)
    joinNeighbours(gap, into)
    if (gap.length > stretchesMax) squeeze(gap)
  }
}

/** Takes an entry out, in place: it is there after all. False: the gap does not name it. */
export function takeFromGap(gap: PendingGap, { stream, number, device, count, samples }: Gone): boolean {
  const stretch = gap.find((one) => one.stream === stream && removeNumber(one.numbers, number))
  if (!stretch) return false
  const known = ownValue(stretch.devices, device)
  if (known) addTally(known.lost, [-count, -samples])
  return true
}

/** What is left after `takeFromGap`: a device of which nothing is lost is not named. */
export function restOfGap(gap: PendingGap): PendingGap {
  const isLost = ([, { lost }]: [string, Lost]) => lost[0] > 0 || lost[1] > 0
  const named = gap.filter(({ numbers }) => numbers.length > 0)
  return named.map((stretch) => ({ ...stretch, devices: Object.fromEntries(Object.entries(stretch.devices).filter(isLost)) }))
}

/**
 * After a damaged file: all numbers of an unclosed stream that neither the outbox nor the gap has. Those that were receipted are
 * among them, which the cloud knows; what the others held nobody knows, so the ledger shows the difference.
 */
export function nameMissing(gap: PendingGap, { stream, last }: { stream: string; last: number }, known: Ranges): void {
  const numbers: Ranges = []
  let next = 1
  for (const [first, through] of [...known, [last + 1, last + 1] as const].toSorted(([a], [b]) => a - b)) {
    if (first > next) addRange(numbers, next, Math.min(first - 1, last))
    next = Math.max(next, through + 1)
  }
  if (numbers.length > 0) gap.push({ reason: 'evicted', stream, numbers, devices: {} })
}

/** What a gap names of a stream. */
export function numbersOf(gap: PendingGap, stream: string): Ranges {
  return gap.filter((stretch) => stretch.stream === stream).flatMap(({ numbers }) => numbers)
}

/** One record for each reason and stream, or a few where one would be too long for a packet. */
export function gapRecords(gap: PendingGap): GapRecord[] {
  const records: GapRecord[] = []
  for (const { reason, stream, numbers, devices } of gap) {
    let record = records.findLast((r) => r.reason === reason && r.stream === stream)
    if (!record || record.numbers.length + numbers.length > rangesMax) {
      record = { f: 1, reason, stream, numbers: [], devices: {} }
      records.push(record)
    }
    for (const [first, last] of numbers) addRange(record.numbers, first, last)
    for (const [device, { fromMs, toMs, lost }] of Object.entries(devices)) {
      ownOr(record.devices, device, () => []).push({ fromMs, toMs, lost })
    }
  }
  return records
}

/** The lowest number of each stream that the gap still has to tell. */
export function gapFloors(gap: PendingGap): Map<string, number> {
  const floors = new Map<string, number>()
  for (const { stream, numbers } of gap)
    floors.set(stream, Math.min(numbers[0]![0], floors.get(stream) ?? Number.POSITIVE_INFINITY))
  return floors
}

function accepts({ numbers, devices }: Stretch, gone: Gone): boolean {
  if (numbers.length >= rangesMax) return false
  if (gone.device === '') return true
  const known = ownValue(devices, gone.device)
  if (!known) return Object.keys(devices).length < devicesMax
  return known.last === gone.before || known.before === gone.number
}

function addLost({ devices }: Stretch, { device, first, last, count, samples, before, number, through = number }: Gone): void {
  const known = ownOr(devices, device, (): Lost => ({ fromMs: first, toMs: last, lost: [0, 0], before, last: through }))
  if (known.before === number) known.before = before
  if (known.last === before) known.last = through
  known.fromMs = Math.min(known.fromMs, first)
  known.toMs = Math.max(known.toMs, last)
  addTally(known.lost, [count, samples])
}

/** The entry just added may have closed the room between its stretch and another one. */
function joinNeighbours(gap: PendingGap, stretch: Stretch): void {
  for (let at = gap.length - 1; at >= 0; at--) {
    const other = gap[at]!
    if (other !== stretch && touches(other, stretch)) {
      join(stretch, other)
      gap.splice(at, 1)
    }
  }
}

function touches(a: Stretch, b: Stretch): boolean {
  if (!mayJoin(a, b)) return false
  const shared = Object.entries(a.devices).flatMap(([device, ofA]) => {
    const ofB = ownValue(b.devices, device)
    return ofB ? [[ofA, ofB] as const] : []
  })
  return shared.length > 0 && shared.every(([ofA, ofB]) => ofA.last === ofB.before || ofB.last === ofA.before)
}

function mayJoin(a: Stretch, b: Stretch): boolean {
  return a.reason === b.reason && a.stream === b.stream && a.numbers.length + b.numbers.length <= rangesMax
}

function join(into: Stretch, from: Stretch): void {
  for (const [first, last] of from.numbers) addRange(into.numbers, first, last)
  for (const [device, lost] of Object.entries(from.devices)) {
    const known = ownValue(into.devices, device)
    setOwn(into.devices, device, known ? joinLost(known, lost) : lost)
  }
}

function joinLost(a: Lost, b: Lost): Lost {
  return {
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
    lost: [a.lost[0] + b.lost[0], a.lost[1] + b.lost[1]],
    before: Math.min(a.before, b.before),
    last: Math.max(a.last, b.last),
  }
}

/** Joins the first two that may be. With more streams than stretches the list is longer than its bound. */
function squeeze(gap: PendingGap): void {
  for (const [at, stretch] of gap.entries()) {
    const next = gap.findIndex((s, index) => index > at && mayJoin(stretch, s))
    if (next < 0) continue
    join(stretch, gap[next]!)
    gap.splice(next, 1)
    return
  }
}
