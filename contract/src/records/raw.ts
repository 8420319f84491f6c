/** `millrace.raw`: the one topic with a binary envelope; see `encodeRaw` in ../timeline.ts. */
import { z } from 'zod'
import { control, epochMs, kind } from './fields.ts'
import type { DamageRecord } from './timeline.ts'

/** A message as it came, after its envelope is taken off. */
export const rawMessageLayout = `Binary, big-endian:

| bytes | what |
|---|---|
| 1 | bits 0 to 3: 1, a message, or 3, one with its delivery; bits 4 to 7: those of its PUBLISH packet, DUP 128, QoS × 32, RETAIN 16 (a copy that a subscription brought); 0 in records of versions that did not keep them |
| 2 | n: length of the MQTT topic |
| n | MQTT topic, UTF-8 |
| 8 | IEEE 754 double: when the message arrived, epoch ms |
| 17 | only of kind 3, a plain MQTT message of QoS 1, by which a redelivery is known: run of the bridge's session (4), number of the delivery in it (6), how many before it and itself have no PUBACK yet (4), packet identifier (2), flags (1): 1 the identifier had not come in this run, 2 the broker uses identifiers again at once |
| rest | payload as it came; of topics that begin with \`spBv1.0/\` a Sparkplug B payload |`

export const rawTick = z
  .object({
    k: kind('tick'),
    atMs: epochMs('Time of the bridge, one a second for each partition'),
    run: z.string().optional().describe('Run of the bridge.'),
    elapsedMs: z.int().optional().describe('Monotonic time of that run, in ms.'),
    offMs: z.int().optional().describe('By how much the wall clock is off this time, while a jump of it is not followed, in ms.'),
  })
  .describe('One byte with the value 2, then this as JSON (UTF-8).')

export const rawControl = z
  .object({ k: kind('control'), control, atMs: epochMs('When the order was given') })
  .describe('One byte with the value 2, then this as JSON (UTF-8). In every partition.')

export const rawJson = z.discriminatedUnion('k', [rawTick, rawControl])

export type RawTick = z.infer<typeof rawTick>

/** `millrace.raw`: a message as it came, a tick, or a control record; a damage is what a log gives in the place of what it cannot read. */
export type RawRecord = RawMessage | z.infer<typeof rawJson> | DamageRecord

export interface RawMessage {
  k: 'message'
  topic: string
  payload: Uint8Array
  receivedMs: number
  /** Of its PUBLISH packet [MQTT-3.3.1]. Absent: 0, and false. */
  qos?: number
  /** The broker sent its copy because of a subscription [MQTT-3.3.1-8]. */
  retain?: boolean
  dup?: boolean
  /** Of a plain MQTT message of QoS 1. */
  delivery?: Delivery
}

/** By what the broker's next sending of a message is known [MQTT-4.4.0-1]. */
export interface Delivery {
  packetId: number
  /** One life of the bridge's session, drawn by chance: numbers and what was acknowledged are of that life. */
  run: number
  /** Rises from one message to the next. A message that is sent again before its PUBACK keeps its number. */
  number: number
  /** No message of this run below it waits for its PUBACK. */
  oldest: number
  /** The packet identifier had not come before in this run, and the session is older. */
  isFirst: boolean
  /** The broker was seen to use identifiers again soon after their PUBACK. */
  isReusing: boolean
}
