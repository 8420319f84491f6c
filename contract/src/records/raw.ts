/** `millrace.raw`: the one topic with a binary envelope; see `encodeRaw` in ../timeline.ts. */
import { z } from 'zod'
import { control, epochMs, kind } from './fields.ts'
import type { DamageRecord } from './timeline.ts'

/** A message as it came, after its envelope is taken off. */
export const rawMessageLayout = `Binary, big-endian:

| bytes | what |
|---|---|
| 1 | bits 0 to 3: 1, a message; bits 4 to 7: those of its PUBLISH packet, DUP 128, QoS × 32, RETAIN 16 (a copy that a subscription brought); 0 in records of versions that did not keep them |
| 2 | n: length of the MQTT topic |
| n | MQTT topic, UTF-8 |
| 8 | IEEE 754 double: when the message arrived, epoch ms |
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
}
