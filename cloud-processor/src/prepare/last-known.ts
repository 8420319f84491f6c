/**
 * Retained copies: what the broker kept of an earlier message and sends at each subscription, so after each reconnect and restart
 * [MQTT-3.3.1-8]. What has a time of its own is a reading of that time. What has none is the last known state of the device, from
 * nobody knows when: no reading, no sign of life.
 */
import type { Columns, Value } from '@millrace/contract'
import { setOwn } from '@millrace/platform'
import { type Context, toTimeline } from './context.ts'
import type { Message } from './message.ts'

/** The time of what has none. */
export const noTime = Number.POSITIVE_INFINITY

/** Takes what has no time out of the columns (in place) and tells it as the state of the device. */
export function tellLastKnown(context: Context, { receivedMs }: Message, device: string, columns: Columns): void {
  const known = new Map<string, Value>()
  for (const [name, column] of Object.entries(columns.channels)) {
    const timed = column.t.flatMap((t, index) => (t === noTime ? [] : [index]))
    if (timed.length === column.t.length) continue
    known.set(name, column.v[column.t.lastIndexOf(noTime)]!)
    if (timed.length === 0) Reflect.deleteProperty(columns.channels, name)
    else setOwn(columns.channels, name, { t: timed.map((k) => column.t[k]!), v: timed.map((k) => column.v[k]!) })
  }
  if (known.size === 0) return
  const where = { f: 1, k: 'last-known', subject: device, device, receivedMs } as const
  toTimeline(context, { ...where, channels: Object.fromEntries(known) })
}
