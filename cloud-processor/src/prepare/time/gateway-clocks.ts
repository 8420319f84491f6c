/**
 * Whose clock is wrong, a gateway's or the processor's. A message of an agent says when it was sent, so each one compares the
 * two clocks. A difference that stays the same for five seconds is not a delay on the way. Where it is what the processor's clock
 * was set by, the gateway goes by the time before that, and it is the processor's clock that is in doubt.
 */
import type { EventRecord } from '@millrace/contract'
import { jumpMs } from '@millrace/platform'
import { type Context, toTimeline } from '../context.ts'
import type { Message, SparkplugMessage } from '../message.ts'
import { nodeOf } from '../state/nodes.ts'
import type { NodeState, PrepareState } from '../state/state.ts'
import { span } from './clock-events.ts'
import { goesByFormerTime } from './partition-time.ts'

/** By more than this the samples of a gateway are not live: `staleMs` of the rule file. */
const offMsMax = 10_000
const confirmMs = 5000

export function compareClocks(context: Context, message: SparkplugMessage): void {
  if (message.sentMs === undefined) return
  const node = nodeOf(context.state, message.node)
  const offMs = message.sentMs - message.receivedMs
  if (Math.abs(offMs) > offMsMax) return takeDifference(context, message, node, offMs)
  if (!node.clock || Math.abs(offMs) > jumpMs) return
  if (node.clock.toldMs !== undefined) {
    const text = `The clock of gateway ${message.node} agrees with the processor's again`
    tell(context, message, { level: 'info', code: 'GATEWAY_CLOCK_RIGHT', text })
  }
  delete node.clock
}

function takeDifference(context: Context, message: SparkplugMessage, node: NodeState, offMs: number): void {
  const { state } = context
  const { receivedMs } = message
  const known = node.clock
  if (!known || Math.abs(offMs - known.offMs) > jumpMs) {
    node.clock = { ...known, offMs, sinceMs: receivedMs }
    return
  }
  if (receivedMs - known.sinceMs < confirmMs) return
  if (goesByFormerTime(state, offMs)) state.time.isDisputed = true
  else if (known.toldMs === undefined || Math.abs(offMs - known.toldMs) > jumpMs) {
    known.toldMs = offMs
    const other = offMs < 0 ? ', or its messages take that long' : ''
    const text = `The clock of gateway ${message.node} is ${span(offMs)} off the processor's${other}: its readings are not live`
    tell(context, message, { level: 'error', code: 'GATEWAY_CLOCK_OFF', text })
  }
}

function tell(
  context: Context,
  { node, receivedMs }: SparkplugMessage,
  what: Pick<EventRecord, 'level' | 'code' | 'text'>,
): void {
  toTimeline(context, { f: 1, k: 'event', subject: node, device: node, atMs: receivedMs, ...what })
}

/**
 * The time of a message, for what is much later to be rejected: its arrival, unless the clock was set back before that. Then
 * the time by the ticks until they follow, and when it was sent if its gateway goes by the former time. The time of the order
 * for what is replayed.
 */
export function latestTime(state: PrepareState, { receivedMs, replayMs = 0, sentMs }: Message): number {
  const nowMs = Math.max(receivedMs, replayMs, state.tickMs)
  if (state.time.shiftMs === 0 || sentMs === undefined) return nowMs
  return goesByFormerTime(state, sentMs - receivedMs) ? Math.max(nowMs, sentMs) : nowMs
}
