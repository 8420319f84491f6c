/**
 * Whose clock is wrong, a gateway's or the processor's. A message of an agent says when it was sent, so each one compares the
 * two clocks. A difference that stays the same for five seconds is no delay on the way. Where it is what the processor's clock
 * was set by, the gateway goes by the time before that, and it is the processor's clock that is in doubt.
 */

import { peek } from '@millrace/contract/sparkplug'
import { jumpMs } from '@millrace/platform'
import { span } from './clock-events.ts'
import type { Taking } from './prepare.ts'
import { nodeOf } from './sparkplug.ts'
import type { NodeState } from './state.ts'
import { goesByFormerTime } from './time.ts'

export interface GatewayClock {
  /** Gateway's clock less the processor's, and since when it has been that. */
  offMs: number
  sinceMs: number
  /** The difference that was told last. */
  toldMs?: number
}

/** By more than this the samples of a gateway are not live: `staleMs` of the rule file. */
const offMsMax = 10_000
const confirmMs = 5000

export function compareClocks(taking: Taking, id: string, sentMs: number): void {
  const node = nodeOf(taking, id)
  const offMs = sentMs - taking.receivedMs
  if (Math.abs(offMs) > offMsMax) return takeDifference(taking, id, node, offMs)
  if (!node.clock || Math.abs(offMs) > jumpMs) return
  if (node.clock.toldMs !== undefined)
    tell(taking, id, 'info', 'GATEWAY_CLOCK_RIGHT', `The clock of gateway ${id} agrees with the processor's again`)
  delete node.clock
}

function takeDifference(taking: Taking, id: string, node: NodeState, offMs: number): void {
  const { state, receivedMs } = taking
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
    const text = `The clock of gateway ${id} is ${span(offMs)} off the processor's${other}: its readings are not live`
    tell(taking, id, 'error', 'GATEWAY_CLOCK_OFF', text)
  }
}

function tell({ out, receivedMs }: Taking, id: string, level: 'info' | 'error', code: string, text: string): void {
  out({ f: 1, k: 'event', subject: id, device: id, atMs: receivedMs, level, code, text })
}

/**
 * The time of a message, for what is much later to be rejected: its arrival, unless the clock was set back before that. Then
 * the time by the ticks until they follow, and when it was sent if its gateway goes by the former time. The time of the order
 * for what is tried again.
 */
export function latestTime({ state, topic, payload, receivedMs, replayMs = 0 }: Taking): number {
  const nowMs = Math.max(receivedMs, replayMs, state.tickMs)
  if (state.time.shiftMs === 0 || !topic.startsWith('spBv1.0/')) return nowMs
  const sentMs = peek(payload)?.timestamp
  return sentMs !== undefined && goesByFormerTime(state, sentMs - receivedMs) ? Math.max(nowMs, sentMs) : nowMs
}
