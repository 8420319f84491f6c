/** A store on a simulated disk that keeps rows, counts and marks in one transaction, as the embedded one does. */

import type { LogRecord } from '@millrace/cloud-processor/log'
import { type Marks, pass } from '@millrace/cloud-processor/stage'
import type { Store, StoredGap } from '@millrace/cloud-processor/stores'
import {
  addTally,
  type CutRecord,
  countReadings,
  countSamples,
  decodeJson,
  type Segment,
  type Tally,
  type TimelineRecord,
} from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { Disk } from './disk.ts'
import { unread } from './processor.ts'
import type { Process } from './world.ts'

export interface StoreFrame {
  partition: number
  next?: number
  records: LogRecord[]
  /** A planted bug: what lies beside a gap is counted and not kept. */
  losesUnderGaps?: boolean
}

export interface StoreImage {
  next: Map<number, number>
  marks: Map<number, Marks>
  /** `device/channel` to the values by time, and how often each was written. */
  rows: Map<string, Map<number, unknown>>
  /** By device. */
  collapsed: Map<string, Tally>
  /** What came, by `stream/device`. */
  stored: Map<string, Tally>
  gaps: StoredGap[]
  cuts: { record: CutRecord; device: string; difference: number }[]
}

export function emptyStore(): StoreImage {
  return { next: new Map(), marks: new Map(), rows: new Map(), collapsed: new Map(), stored: new Map(), gaps: [], cuts: [] }
}

export function applyStore(image: StoreImage, { partition, next, records, losesUnderGaps = false }: StoreFrame): void {
  const marks = image.marks.get(partition) ?? {}
  image.marks.set(partition, marks)
  for (const record of records)
    if (pass(marks, record.source)) applyRecord(image, decodeJson<TimelineRecord>(record.value), losesUnderGaps)
  if (next !== undefined) image.next.set(partition, next)
}

function applyRecord(image: StoreImage, record: TimelineRecord, losesUnderGaps: boolean): void {
  if (record.k === 'gap') image.gaps.push(record)
  if (record.k === 'cut')
    for (const device of Object.keys(record.devices))
      image.cuts.push({ record, device, difference: difference(image, record, device) })
  if (record.k !== 'readings') return
  for (const [channel, { t, v }] of Object.entries(record.channels)) {
    const key = `${record.device}/${channel}`
    const rows = image.rows.get(key) ?? new Map<number, unknown>()
    image.rows.set(key, rows)
    for (const [i, time] of t.entries()) {
      if (losesUnderGaps && isBesideGap(image, record.device, time)) continue
      if (rows.has(time)) countCollapsed(image, record.device, [1, 0])
      rows.set(time, v[i])
    }
  }
  for (const [channel, segments] of Object.entries(record.waves)) putSamples(image, record.device, channel, segments)
  const key = `${record.stream}/${record.device}`
  const tally = image.stored.get(key) ?? [0, 0]
  image.stored.set(key, tally)
  addTally(tally, [countReadings(record), countSamples(record)])
}

function countCollapsed({ collapsed }: StoreImage, device: string, tally: Tally): void {
  const sum = collapsed.get(device) ?? [0, 0]
  collapsed.set(device, sum)
  addTally(sum, tally)
}

/** As near as `verify` takes for covered. */
const besideMs = 1500

function isBesideGap({ gaps }: StoreImage, device: string, atMs: number): boolean {
  return gaps.some((gap) => gap.device === device && atMs >= gap.fromMs - besideMs && atMs <= (gap.toMs ?? atMs) + besideMs)
}

/** By the millisecond: there are stores that tell samples apart no finer. */
function putSamples(image: StoreImage, device: string, channel: string, segments: Segment[]): void {
  const key = `${device}/${channel}`
  const rows = image.rows.get(key) ?? new Map<number, unknown>()
  image.rows.set(key, rows)
  for (const { t, i, v } of segments)
    for (const [k, value] of v.entries()) {
      const time = Math.round(t + k * i)
      if (rows.has(time)) countCollapsed(image, device, [0, 1])
      rows.set(time, value)
    }
}

/** read − filtered − rejected − evicted − what is stored from numbers up to the cut. */
export function difference(image: Pick<StoreImage, 'stored'>, { stream, devices }: CutRecord, device: string): number {
  const { edge, evicted, rejected, ahead } = devices[device]!
  const stored = (image.stored.get(`${stream}/${device}`)?.[0] ?? 0) - ahead[0]
  return edge.read[0] - edge.filtered[0] - edge.rejected[0] - rejected[0] - evicted[0] - stored
}

export function storeOnDisk(
  disk: Disk<StoreFrame>,
  process: Process,
  crash: () => void,
  bugs: { markBeforeRows?: boolean; losesUnderGaps?: boolean } = {},
): Store {
  const handle = disk.open(process, crash)
  const positions = new Map<number, number>()
  for (const { partition, next } of disk.frames()) if (next !== undefined) positions.set(partition, next)
  const failure = () => new MillraceError('STORE_WRITE', { path: 'simulated', detail: 'EIO' })
  return {
    ...unread,
    isShared: false,
    open: async (_log, partition) => positions.get(partition) ?? 0,
    async write(partition, records) {
      const next = records.at(-1)!.offset + 1
      if (bugs.markBeforeRows) await handle.commit({ partition, next, records: [] }, failure)
      await handle.commit({ partition, next, records, ...(bugs.losesUnderGaps ? { losesUnderGaps: true } : {}) }, failure)
      positions.set(partition, next)
      return []
    },
    close: async () => {},
  }
}
