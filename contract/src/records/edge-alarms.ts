/** Alarms that the rules of an agent made on its gateway, as JSON text in a metric of an NDATA message. */
import { z } from 'zod'
import { alarm } from './alarms.ts'
import { epochMs, format } from './fields.ts'

/** Those keys of an alarm that a gateway knows; who is told of it in the cloud, and as what subject, is decided there. */
const known = {
  rule: true,
  device: true,
  channel: true,
  priority: true,
  technical: true,
  atMs: true,
  raisedMs: true,
  value: true,
  unit: true,
  state: true,
  text: true,
} as const

export const edgeAlarm = alarm.pick(known).extend({
  change: z.enum(['raised', 'cleared']).describe('What this tells.'),
  decidedMs: epochMs('When the gateway knew of it, by its clock'),
  receivers: z.array(z.string()).describe('Names of the local receivers that are told of it, link or not.'),
})

export const edgeAlarms = z
  .object({ f: format, alarms: z.array(edgeAlarm).describe('In the order in which they came about.') })
  .describe('Metric `Millrace/Alarm`, String: changes of alarms that the rules on the gateway made.')

/** A change of an alarm, made on a gateway. */
export type EdgeAlarm = z.infer<typeof edgeAlarm>
/** NDATA `Millrace/Alarm`. */
export type EdgeAlarms = z.infer<typeof edgeAlarms>
