/**
 * The stage from `raw` to `timeline` and `rejected`: reads what came in, drops repeats, names what is missing, and puts
 * everything that decisions are made on in one order. Pure: its time comes from the records.
 *
 *   message ─ Sparkplug (sparkplug.ts) ─ birth, death ─► declaration, birth, death        (births/)
 *           │                          ├ data of an agent ─► readings, gaps, cuts         (agents/ over state/stream.ts)
 *           │                          └ data of a foreign node ─ in order ─► readings    (foreign/, direct.ts)
 *           └ plain MQTT ─ codec ─► readings                                              (plain/, direct.ts)
 *           each readings record ─ analyses ─► readings of derived channels                  (derived/, analyses/)
 *   tick, control ─► the same on every timeline partition                                 (time/)
 *
 * Each imports only what is below it: prepare, sparkplug, the handlers, direct, derived, analyses, replay, rejections, time, context, state.
 */
import { type Control, type DamageRecord, decodeRaw, type RawTick, takeChanges, topics } from '@millrace/contract'
import type { Stage } from '../stage/stage.ts'
import { declareAgain } from './births/births.ts'
import type { PrepareConfig } from './config.ts'
import { type Context, toTimeline } from './context.ts'
import { closeDerived, setDerivedBack } from './derived/derive.ts'
import { closeDirect } from './direct.ts'
import { setBack } from './foreign/order.ts'
import { wantRebirth } from './foreign/rebirths.ts'
import { wasOverLimit } from './limits.ts'
import type { Message } from './message.ts'
import { takePlain } from './plain/plain.ts'
import { closeOrders, takeSparkplug } from './sparkplug.ts'
import { decodeState, encodeState } from './state/snapshot.ts'
import { initialState, type PrepareState } from './state/state.ts'
import { tellClocks } from './time/clock-events.ts'
import { advance, tickOf } from './time/partition-time.ts'

/** `partitions` of the timeline: a cut is told to each partition for the devices that it holds. */
export function createPrepareStage(config: PrepareConfig, partitions = 1): Stage<PrepareState> {
  return {
    name: 'prepare',
    input: topics.raw,
    initial: initialState,
    encode: encodeState,
    decode: decodeState,
    step(state, record, emit) {
      const context: Context = { state, config, partitions, emit }
      const raw = decodeRaw(record.value)
      if (raw.k === 'message') {
        const { topic, payload, receivedMs, retain: isRetained = false, dup: isDup = false, delivery } = raw
        takeMessage(context, { topic, payload, receivedMs, isRetained, isDup, delivery, isReplay: false })
      } else if (raw.k === 'control') takeControl(context, raw.control, raw.atMs)
      else if (raw.k === 'damage') takeDamage(context, raw)
      else takeTick(context, raw)
    },
  }
}

function takeMessage(context: Context, message: Message): void {
  if (message.topic.startsWith('spBv1.0/')) takeSparkplug(context, message)
  else takePlain(context, message)
}

function takeControl(context: Context, control: Control, atMs: number): void {
  const { state } = context
  if (control.type === 'restored') state.restoredMs = control.backupMs
  if (control.type === 'registry') {
    state.registry ??= new Map()
    takeChanges(state.registry, control)
  }
  if (control.type !== 'replay-rejected') return toTimeline(context, { f: 1, k: 'control', control, atMs })
  const { topic, payloadBase64, receivedMs, retain: isRetained = false } = control
  const payload = Buffer.from(payloadBase64, 'base64')
  const message = { topic, payload, receivedMs, isRetained, isReplay: true, replayMs: atMs }
  // What was rejected because there was no room has touched nothing yet.
  if (wasOverLimit(state, message)) message.isReplay = false
  takeMessage(context, message)
}

/**
 * Messages that the log cannot read any more. Of a device without an agent nobody knows how many there were; what an agent's
 * devices miss is found at the next cut, by who counts what is stored. Births may have been among them.
 */
function takeDamage(context: Context, damage: DamageRecord): void {
  const { state } = context
  const { fromMs, toMs } = damage
  toTimeline(context, damage)
  for (const device of state.direct.keys())
    toTimeline(context, { f: 1, k: 'gap', subject: device, device, reason: 'damaged', fromMs, toMs })
  for (const node of state.nodes.keys())
    if (node.includes('/')) wantRebirth(state, node, 'its births may be among what the log lost')
}

const dayMs = 86_400_000

function takeTick(context: Context, tick: RawTick): void {
  const { state } = context
  const dayBefore = Math.floor(state.tickMs / dayMs)
  const change = advance(state, tick)
  toTimeline(context, tickOf(state, change))
  if (change.setMs < 0) {
    setBack(state)
    state.derivedLanes = setDerivedBack(state)
  }
  tellClocks(context, tick, change)
  if (dayBefore > 0 && Math.floor(state.tickMs / dayMs) > dayBefore) declareAgain(context)
  closeOrders(context)
  closeDirect(context)
  closeDerived(context)
}
