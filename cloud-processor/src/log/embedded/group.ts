/**
 * Forms the next transaction out of the calls that wait: gives offsets, silences repeats by the marks, packs the records.
 * One group is in flight at a time, so the state here is exactly what is durable; a group that fails changes nothing.
 */
import type { NewRecord, StageCommit } from '../log.ts'
import { isAbove } from '../source-order.ts'
import { encodeBlock, headBytes, recordBytesMax, sourceLogsOf } from './block.ts'
import type { Group, Mark, ReaderRow, Slot } from './protocol.ts'
import type { TailBlock } from './tail.ts'

/** A block ends at this size: a reader and the trimming work in whole blocks. */
const blockBytes = 256 * 1024
/** A group ends at this size: what comes next waits for one commit, not for ten. */
const groupBytesMax = 4 * 1024 * 1024

interface Waiting {
  bytes: number
  fail(error: Error): void
}
export interface AppendCall extends Waiting {
  k: 'append'
  slot: number
  records: NewRecord[]
  done(first: number): void
}
export interface CommitCall extends Waiting {
  k: 'commit'
  step: StageCommit
  done(): void
}
export interface ReaderCall extends Waiting {
  k: 'reader'
  row: ReaderRow
  done(): void
}
export type Call = AppendCall | CommitCall | ReaderCall

export interface State {
  slots: Slot[]
  marks: Map<string, Mark>
  slotOf(topic: string, partition: number): number
}

export interface Formed {
  group: Group
  calls: Call[]
  /** First offset of each call's records, for appends. */
  firsts: number[]
  tail: TailBlock[]
  /** Makes the group part of the durable state; `totals` are the slots' new ones. */
  apply(totals: [slot: number, total: number][]): void
}

export const markKey = (slot: number, log: string, partition: number) => `${slot} ${partition} ${log}`

/** Takes calls from the front of `queue`, at least one. */
export function formGroup(queue: Call[], state: State, timeMs: number): Formed {
  const calls = takeCalls(queue)
  const forming: Forming = { state, records: new Map(), marks: new Map(), snapshots: [], readers: [] }
  const firsts = calls.map((call) => addCall(forming, call))
  const { marks, snapshots, readers } = forming
  const { buffer, blocks, tail } = pack(forming.records, state, timeMs)
  return {
    group: { buffer, blocks, marks: [...marks.values()], snapshots, readers },
    calls,
    firsts,
    tail,
    apply(totals) {
      for (const [key, mark] of marks) state.marks.set(key, mark)
      for (const { slot, first, count } of blocks) state.slots[slot]!.end = first + count
      for (const [slot, total] of totals) state.slots[slot]!.total = total
    },
  }
}

/** What the group holds so far. */
interface Forming {
  /** What is durable. */
  state: State
  /** By slot. */
  records: Map<number, NewRecord[]>
  marks: Map<string, Mark>
  snapshots: Group['snapshots']
  readers: ReaderRow[]
}

/** Returns the first offset of an append; 0 for any other call. */
function addCall(forming: Forming, call: Call): number {
  if (call.k === 'append') return addAppend(forming, call)
  if (call.k === 'commit') addStep(forming, call.step)
  else forming.readers.push(call.row)
  return 0
}

function addAppend(forming: Forming, call: AppendCall): number {
  const records = recordsOf(forming, call.slot)
  const first = forming.state.slots[call.slot]!.end + records.length
  for (const record of call.records) records.push(record)
  return first
}

function addStep(forming: Forming, { stage, partition, outputs, snapshot }: StageCommit): void {
  for (const output of outputs) addUnmarked(forming, output.records, forming.state.slotOf(output.topic, output.partition))
  if (snapshot) forming.snapshots.push({ stage, partition, next: snapshot.next, state: snapshot.state })
}

function recordsOf({ records }: Forming, slot: number): NewRecord[] {
  const known = records.get(slot)
  if (known) return known
  const made: NewRecord[] = []
  records.set(slot, made)
  return made
}

function takeCalls(queue: Call[]): Call[] {
  let bytes = 0
  let count = 0
  while (count < queue.length && (count === 0 || bytes + queue[count]!.bytes <= groupBytesMax)) bytes += queue[count++]!.bytes
  return queue.splice(0, count)
}

/** Leaves out the records whose source is not above its mark; moves the marks. */
function addUnmarked(forming: Forming, records: NewRecord[], slot: number): void {
  const to = recordsOf(forming, slot)
  let mark: Mark | undefined
  for (const record of records) {
    const { source } = record
    if (source) {
      if (mark?.log !== source.log || mark.partition !== source.partition) mark = markOf(forming, slot, source)
      if (!isAbove(source.offset, source.index, mark.offset, mark.index)) continue
      mark.offset = source.offset
      mark.index = source.index
    }
    to.push(record)
  }
}

/** This group's own copy of a mark. */
function markOf({ state, marks }: Forming, slot: number, { log, partition }: { log: string; partition: number }): Mark {
  const key = markKey(slot, log, partition)
  let mark = marks.get(key)
  if (!mark) {
    mark = { ...(state.marks.get(key) ?? { slot, log, partition, offset: -1, index: -1 }) }
    marks.set(key, mark)
  }
  return mark
}

function pack(pending: Map<number, NewRecord[]>, state: State, timeMs: number) {
  const cut = [...pending].flatMap(([slot, records]) => cutBlocks(records).map((block) => ({ slot, ...block })))
  const buffer = Buffer.allocUnsafeSlow(cut.reduce((sum, { bytesMax }) => sum + bytesMax, 0))
  const blocks: Group['blocks'] = []
  const tail: TailBlock[] = []
  const ends = new Map<number, number>()
  let from = 0
  for (const { slot, records, sourceLogs } of cut) {
    const first = ends.get(slot) ?? state.slots[slot]!.end
    const count = records.length
    const to = encodeBlock(buffer, from, { first, count, timeMs }, { sourceLogs, records })
    blocks.push({ slot, first, count, timeMs, from, to })
    tail.push({ slot, first, count, timeMs, bytes: buffer.subarray(from, to) })
    ends.set(slot, first + records.length)
    from = to
  }
  return { buffer: buffer.subarray(0, from), blocks, tail }
}

function cutBlocks(records: NewRecord[]): { records: NewRecord[]; sourceLogs: string[]; bytesMax: number }[] {
  const blocks = []
  let from = 0
  let bytes = 0
  for (let k = 0; k < records.length; k++) {
    bytes += recordBytesMax(records[k]!)
    if (bytes < blockBytes && k < records.length - 1) continue
    const part = from === 0 && k === records.length - 1 ? records : records.slice(from, k + 1)
    const sourceLogs = sourceLogsOf(part)
    blocks.push({ records: part, sourceLogs, bytesMax: bytes + headBytes(sourceLogs) })
    from = k + 1
    bytes = 0
  }
  return blocks
}
