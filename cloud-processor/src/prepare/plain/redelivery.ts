/**
 * Redeliveries of QoS 1. The broker sends a message again, with DUP and under its packet identifier, until it has the PUBACK
 * [MQTT-4.4.0-1]. A message without a time of its own that is in the log already would be a second reading. What is proven:
 *
 * - The bridge knows that it had sent no PUBACK: the delivery has the number of the one that is in the log.
 * - The bridge was restarted since: the identifier did not come in its run, nothing in the log says that the delivery with this
 *   identifier, topic and payload was acknowledged, and the broker does not use identifiers again at once.
 *
 * After a PUBACK the identifier is free [MQTT-2.3.1-4]: with DUP it may be a message whose first sending was lost, so it is taken.
 */
import { crc32 } from 'node:zlib'
import type { Message } from '../message.ts'
import type { Deliveries, OpenDelivery, PrepareState } from '../state/state.ts'

/** Runs of the bridge whose deliveries are remembered. */
const runsMax = 8
/** Of one run: more than brokers send without an acknowledgement. */
const openMax = 16_384

/** Whether the message is in the log already. Remembers it, until the log says that it was acknowledged. */
export function isRedelivery(state: PrepareState, { topic, payload, delivery, isDup }: Message): boolean {
  if (!delivery) return false
  const { packetId, run, number, oldest, isFirst, isReusing } = delivery
  state.deliveries ??= { runs: new Map(), isReusing: false }
  const { deliveries } = state
  deliveries.isReusing ||= isReusing
  const own = openOf(deliveries.runs, run)
  forget(own, oldest)
  const place = `${packetId} ${topic}`
  const one: OpenDelivery = { number, check: crc32(payload), bytes: payload.length }
  const isAgain = isDup === true && (isSame(own.get(place), one) || (isFirst && takeOlder(deliveries, run, place, one)))
  own.delete(place)
  own.set(place, one)
  return isAgain
}

function openOf(runs: Deliveries['runs'], run: number): Map<string, OpenDelivery> {
  const name = `${run}`
  const known = runs.get(name)
  if (known) return known
  const own = new Map<string, OpenDelivery>()
  runs.set(name, own)
  while (runs.size > runsMax) runs.delete(runs.keys().next().value!)
  return own
}

/** What is acknowledged; the numbers rise. */
function forget(own: Map<string, OpenDelivery>, oldest: number): void {
  for (const [place, { number }] of own) {
    if (number >= oldest && own.size <= openMax) return
    own.delete(place)
  }
}

/** Takes it out of the run that it was remembered of. */
function takeOlder({ runs, isReusing }: Deliveries, run: number, place: string, one: OpenDelivery): boolean {
  if (isReusing) return false
  for (const [name, open] of [...runs].toReversed()) {
    const older = name === `${run}` ? undefined : open.get(place)
    if (!older) continue
    open.delete(place)
    return isSame(older, { ...one, number: older.number })
  }
  return false
}

function isSame(a: OpenDelivery | undefined, b: OpenDelivery): boolean {
  return a !== undefined && a.number === b.number && a.check === b.check && a.bytes === b.bytes
}
