/** The streams of agents: whose each is, when it ends, and the cuts of its ledger. */
import type { CutRecord, LedgerRecord } from '@millrace/contract'
import { type Context, cutToTimeline, toTimeline } from '../context.ts'
import { nodeOf } from '../state/nodes.ts'
import { bound, endedMax, type PrepareState } from '../state/state.ts'
import { countUnseen, createStream, cut, recut, type StreamState } from '../state/stream.ts'

/** Undefined for a stream that ended or belongs to another node: its entries are repeats, or forged; and where there is no room for one. */
export function streamOf({ state, config }: Context, node: string, id: string): StreamState | undefined {
  if (state.ended.has(id)) return undefined
  let stream = state.streams.get(id)
  if (!stream) {
    const owner = nodeOf(state, node)
    if (owner.streams >= config.limits.streamsPerNode) return undefined
    owner.streams++
    stream = createStream(node)
    state.streams.set(id, stream)
  }
  return stream.node === node ? stream : undefined
}

export function cutIfSettled(context: Context, stream: StreamState, id: string): void {
  const record = cut(stream, id)
  if (!record) return
  if (stream.unseen) tellUnseen(context, stream, record)
  cutToTimeline(context, record)
}

/** What was in a log that a restore took away: nobody has it, and the ledger says how much that was. */
function tellUnseen(context: Context, stream: StreamState, record: CutRecord): void {
  const { fromMs, toMs } = stream.unseen!
  for (const [device, lost] of countUnseen(stream, record))
    toTimeline(context, { f: 1, k: 'gap', subject: device, device, reason: 'restored', fromMs, toMs, lost })
}

/** What a replay forwarded changes a cut that was made already. */
export function cutAgain(context: Context, stream: StreamState, id: string): void {
  const record = recut(stream, id)
  if (record) cutToTimeline(context, record)
}

/** A closed stream that its agent holds no longer, and of which nothing can be replayed, is remembered by its id alone. */
export function forgetEnded(state: PrepareState, node: string, record: LedgerRecord): void {
  for (const [id, stream] of state.streams) {
    if (stream.node !== node || !stream.closed || Object.hasOwn(record.floors, id) || id === record.stream) continue
    if (isReplayable(state, stream, id)) continue
    state.streams.delete(id)
    nodeOf(state, node).streams--
    state.ended.add(id)
    bound(state.ended, endedMax)
  }
}

function isReplayable({ redo }: PrepareState, { devices }: StreamState, id: string): boolean {
  if ([...devices.values()].every(({ rejected }) => rejected[0] === 0 && rejected[1] === 0)) return false
  return [...redo.keys()].some((key) => key.startsWith(`${id}/`))
}
