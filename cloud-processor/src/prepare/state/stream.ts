/**
 * One agent stream as the cloud knows it: which numbers are settled (seen, rejected or named in a gap), what they held,
 * and the ledger records that wait for everything before them to be settled.
 *
 * Invariants
 * - Every number below `floor` is settled for good; `settled` holds the settled numbers from `floor` on.
 * - A number is forwarded at most once, whatever is resent.
 * - `detail` says what each seen number at or above the floor held, so that a gap that names a number which was seen
 *   (its receipt was lost) counts nothing twice, and a cut leaves out what was forwarded from numbers above it.
 * - A cut is made for a ledger record through n only when all numbers up to n are settled and every gap counted so far
 *   lies at or below n: then read(n) = filtered + rejected + evicted + forwarded, exactly.
 */

import {
  addRange,
  addTally,
  type CutCounts,
  type CutRecord,
  emptyEdgeCounts,
  type GapRecord,
  inRanges,
  type LedgerRecord,
  type Ranges,
  removeBelow,
  type Tally,
} from '@millrace/contract'
import { ownValue, setOwn } from '@millrace/platform'

export interface StreamState {
  node: string
  floor: number
  settled: Ranges
  /** Below `detailMax` entries; the lowest numbers lose theirs first. */
  detail: Map<number, Detail>
  /** Cumulative over the whole stream. */
  devices: Map<string, DeviceTotals>
  held: LedgerRecord[]
  /** That the newest cut was made for. */
  last?: LedgerRecord
  /** Highest number that a counted gap named. */
  gapTop: number
  /** Numbers up to `top` that a log had which a restore took away lie between these times; cuts count what they held. */
  unseen?: { top: number; fromMs: number; toMs: number }
  closed: boolean
}

export interface Detail {
  device: string
  /** First time inside, epoch ms: in which stretch of a gap it lies. */
  atMs: number
  forwarded: Tally
  rejected: Tally
  /** Of the content, to know a repeat from another batch under the same name. */
  digest: number
}

interface DeviceTotals {
  forwarded: Tally
  rejected: Tally
  evicted: Tally
}

const detailMax = 200_000
const heldMax = 64

export function createStream(node: string): StreamState {
  return { node, floor: 1, settled: [], detail: new Map(), devices: new Map(), held: [], gapTop: 0, closed: false }
}

/** Whether this number is to be used. A number below the floor, or settled, is a repeat. */
export function deduplicate(stream: StreamState, number: number, digest: number): 'new' | 'repeat' | 'other-content' {
  if (number < stream.floor) return 'repeat'
  if (!inRanges(stream.settled, number)) return 'new'
  const known = stream.detail.get(number)
  return known && known.digest !== digest ? 'other-content' : 'repeat'
}

/** Records what a new number held. Node entries (ledger, gap) have no device. */
export function settle(stream: StreamState, number: number, held: Detail): void {
  addRange(stream.settled, number)
  stream.detail.set(number, held)
  if (stream.detail.size > detailMax) stream.detail.delete(stream.detail.keys().next().value!)
  if (held.device === '') return
  const totals = totalsOf(stream, held.device)
  addTally(totals.forwarded, held.forwarded)
  addTally(totals.rejected, held.rejected)
}

export interface Replayed {
  device: string
  /** Joins the forwarded. */
  forwarded: Tally
  /** Leaves the rejected. */
  lifted: Tally
}

/** What was rejected before and a replay forwards. */
export function countReplayed(stream: StreamState, number: number, { device, forwarded, lifted }: Replayed): void {
  for (const counts of [totalsOf(stream, device), stream.detail.get(number)]) {
    if (!counts) continue
    addTally(counts.forwarded, forwarded)
    addTally(counts.rejected, lifted, -1)
  }
}

/** What the cloud had seen of these numbers. */
export function seenOf(stream: StreamState, numbers: Ranges): Detail[] {
  return [...stream.detail]
    .filter(([number, { device }]) => device !== '' && inRanges(numbers, number))
    .map(([, detail]) => detail)
}

/** Marks a gap's numbers as settled and adds what is really lost. Set-aside batches count as rejected, evicted ones as evicted. */
export function countGap(stream: StreamState, numbers: Ranges, reason: GapRecord['reason'], lost: Map<string, Tally>): void {
  for (const [first, last] of numbers) {
    addRange(stream.settled, first, last)
    stream.gapTop = Math.max(stream.gapTop, last)
  }
  for (const [device, tally] of lost) addTally(totalsOf(stream, device)[reason === 'evicted' ? 'evicted' : 'rejected'], tally)
  removeBelow(stream.settled, stream.floor)
  stream.held = stream.held.filter(({ through }) => through >= stream.gapTop)
}

/** The agent says that all below `floor` is freed. Returns how many of those numbers were never seen here: zero unless the cloud lost data. */
export function raiseFloor(stream: StreamState, floor: number): number {
  if (floor <= stream.floor) return 0
  let unseen = floor - stream.floor
  for (const [first, last] of stream.settled) {
    if (first >= floor) break
    unseen -= Math.min(last, floor - 1) - first + 1
  }
  stream.floor = floor
  removeBelow(stream.settled, floor)
  for (const number of stream.detail.keys()) if (number < floor) stream.detail.delete(number)
  return unseen
}

/** Between which times the readings lie that were freed unseen, now that the floor was raised over them. */
export function setUnseen(stream: StreamState, fromMs: number, byMs: number): void {
  let toMs = byMs
  for (const { device, atMs } of stream.detail.values()) if (device !== '') toMs = Math.min(toMs, atMs)
  const since = Math.min(fromMs, stream.unseen?.fromMs ?? fromMs, toMs)
  stream.unseen = { top: stream.floor - 1, fromMs: since, toMs }
}

/** Time of the newest batch seen below a number; undefined when none is remembered. */
export function lastSeenBelow(stream: StreamState, number: number): number | undefined {
  let last: number | undefined
  for (const [seen, { device, atMs }] of stream.detail) if (seen < number && device !== '') last = Math.max(last ?? atMs, atMs)
  return last
}

/** What a cut finds missing after a restore, by device; it joins what was evicted, in the cut too. */
export function countUnseen(stream: StreamState, cut: CutRecord): Map<string, Tally> {
  const missing = new Map<string, Tally>()
  for (const [device, { edge, evicted, rejected, forwarded }] of Object.entries(cut.devices)) {
    const lost = ([0, 1] as const).map((k) =>
      Math.max(0, edge.read[k] - edge.filtered[k] - edge.rejected[k] - evicted[k] - rejected[k] - forwarded[k]),
    ) as Tally
    if (lost[0] + lost[1] === 0) continue
    missing.set(device, lost)
    addTally(totalsOf(stream, device).evicted, lost)
    addTally(evicted, lost)
  }
  if (stream.unseen && cut.through >= stream.unseen.top) delete stream.unseen
  return missing
}

/** Keeps a ledger record until all before it is settled; past the bound the middle ones go, since a later one says the same. */
export function hold(stream: StreamState, record: LedgerRecord): void {
  if (record.through < stream.gapTop) return
  stream.held.push(record)
  stream.held.sort((a, b) => a.through - b.through)
  if (stream.held.length > heldMax) stream.held.splice(heldMax / 2, 1)
}

/** The cut for the newest held record that is settled, if there is one; it and all before it are no longer held. */
export function cut(stream: StreamState, name: string): CutRecord | undefined {
  const settledTo = stream.settled.length > 0 && stream.settled[0]![0] <= stream.floor ? stream.settled[0]![1] : stream.floor - 1
  const ready = stream.held.findLast(({ through }) => through <= settledTo)
  if (!ready) return undefined
  stream.held = stream.held.filter(({ through }) => through > ready.through)
  if (ready.closed) stream.closed = true
  stream.last = ready
  return cutAt(stream, name, ready)
}

/** The newest cut once more, when what it counted was changed by a replay. Undefined when one will come that says the same. */
export function recut(stream: StreamState, name: string): CutRecord | undefined {
  const { last } = stream
  // Below the floor it is not known any longer which number held what.
  if (!last || last.through < stream.floor - 1 || last.through < stream.gapTop) return undefined
  return cutAt(stream, name, last)
}

function cutAt(stream: StreamState, name: string, ready: LedgerRecord): CutRecord {
  const devices: Record<string, CutCounts> = {}
  const above = aheadOf(stream, ready.through)
  for (const device of new Set([...Object.keys(ready.devices), ...stream.devices.keys()])) {
    const totals = totalsOf(stream, device)
    const ahead = above.get(device) ?? { forwarded: [0, 0], rejected: [0, 0] }
    setOwn(devices, device, {
      edge: ownValue(ready.devices, device) ?? emptyEdgeCounts(),
      evicted: [...totals.evicted],
      rejected: minus(totals.rejected, ahead.rejected),
      forwarded: minus(totals.forwarded, ahead.forwarded),
      ahead: ahead.forwarded,
    })
  }
  return { f: 1, k: 'cut', node: stream.node, stream: name, through: ready.through, closed: stream.closed, devices }
}

function aheadOf(stream: StreamState, through: number) {
  const above = new Map<string, { forwarded: Tally; rejected: Tally }>()
  for (const [number, { device, forwarded, rejected }] of stream.detail) {
    if (number <= through || device === '') continue
    const sums = above.get(device) ?? { forwarded: [0, 0], rejected: [0, 0] }
    addTally(sums.forwarded, forwarded)
    addTally(sums.rejected, rejected)
    above.set(device, sums)
  }
  return above
}

function minus(a: Tally, b: Tally): Tally {
  return [a[0] - b[0], a[1] - b[1]]
}

function totalsOf(stream: StreamState, device: string): DeviceTotals {
  let totals = stream.devices.get(device)
  if (!totals) {
    totals = { forwarded: [0, 0], rejected: [0, 0], evicted: [0, 0] }
    stream.devices.set(device, totals)
  }
  return totals
}
