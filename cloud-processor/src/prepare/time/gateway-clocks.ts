/**
 * Whose clock is wrong, a gateway's or the processor's. A message of an agent says when it was sent, so each one compares the
 * two clocks. A difference that stays the same for five seconds is not a delay on the way. Where it is what the processor's clock
 * was set by, the gateway goes by the time before that, and it is the processor's clock that is in doubt. What an agent knows of the
 * difference, its readings are corrected by (correction.ts): that is not an alarm.
 */
import { type EventRecord, encodeJson, topics } from '@millrace/contract'
import { jumpMs } from '@millrace/platform'
import { partitionOf } from '../../log/partition-of.ts'
import type { Context } from '../context.ts'
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
  else if (known.toldMs === undefined || Math.abs(offMs - known.toldMs) > jumpMs || known.isCorrected !== isCorrected(message)) {
    known.toldMs = offMs
    known.isCorrected = isCorrected(message)
    if (known.isCorrected) return tellCorrected(context, message, offMs)
    const other = offMs < 0 ? ', or its messages take that long' : ''
    const text = `The clock of gateway ${message.node} is ${span(offMs)} off the processor's${other}: its readings are not live`
    tell(context, message, { level: 'error', code: 'GATEWAY_CLOCK_OFF', text })
  }
}

/** Whether its agent knows the difference. */
function isCorrected({ clock, sentMs, receivedMs }: SparkplugMessage): boolean {
  return clock !== undefined && Math.abs(sentMs! + clock.sentOffsetMs - receivedMs) <= offMsMax
}

function tellCorrected(context: Context, message: SparkplugMessage, offMs: number): void {
  const within = `${message.clock!.uncertaintyMs} ms`
  const text = `The clock of gateway ${message.node} is ${span(offMs)} off the processor's: its readings are corrected, within ${within}`
  tell(context, message, { level: 'warn', code: 'GATEWAY_CLOCK_CORRECTED', text })
}

/** To every partition that has devices of the gateway. */
function tell(
  context: Context,
  { node, receivedMs }: SparkplugMessage,
  what: Pick<EventRecord, 'level' | 'code' | 'text'>,
): void {
  const { state, partitions, emit } = context
  const record = encodeJson({ f: 1, k: 'event', subject: node, device: node, atMs: receivedMs, ...what } satisfies EventRecord)
  const names = [node, ...[...nodeOf(state, node).devices.values()].map(({ name }) => name)]
  const byPartition = new Map(names.map((name) => [partitionOf(name, partitions), name]))
  for (const name of byPartition.values()) emit(topics.timeline, name, record)
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
