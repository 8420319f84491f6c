/** `millrace.alarms`: changes of alarms, and notifications that are due. */
import { z } from 'zod'
import { alarmMatchers, epochMs, epochMsFine, format, kind, limitOf, subject } from './fields.ts'

export const alarm = z
  .object({
    f: format,
    k: kind('alarm'),
    id: z
      .string()
      .describe(
        'One occurrence of an alarm: `<rule>/<device>/<channel>/<raised at ms>`, then `/r` when retrospective. `/s`, `/o`, `/m` and `/l` at its end: no alarm, but a shelving, being out of service, a silence or a limit itself. The same live, replayed and at the edge.',
      ),
    rule: z.string().describe('Name of the rule.'),
    subject,
    device: z.string().describe('Name of the device; `millrace` for alarms about the processor itself.'),
    channel: z.string().describe('Name of the channel.'),
    priority: z.enum(['low', 'medium', 'high']).describe('How urgent it is.'),
    change: z
      .enum([
        'raised',
        'cleared',
        'acknowledged',
        'commented',
        'suppressed',
        'unsuppressed',
        'shelved',
        'unshelved',
        'out-of-service',
        'in-service',
        'silenced',
        'unsilenced',
        're-alarmed',
        'latched',
        'unlatched',
        'limit-set',
        'limit-ended',
      ])
      .describe('What this record tells. `suppressed`: it follows from another alarm, and nobody is told of it for now.'),
    active: z.boolean().describe('Whether the condition holds after the change.'),
    acknowledged: z.boolean().describe('Whether a person has acknowledged it.'),
    retrospective: z.boolean().describe('True when made from late data: in the record, but never notified.'),
    technical: z.boolean().describe('True when it is about missing data, false when about values.'),
    atMs: epochMsFine('Event time of the change'),
    raisedMs: epochMsFine('Event time of the raising'),
    clearedMs: epochMsFine('Event time of the clearing').optional(),
    acknowledgedMs: epochMs('When it was acknowledged').optional(),
    cause: z.string().optional().describe('While it is suppressed: id of the alarm from which it follows.'),
    shelved: z
      .object({
        untilMs: epochMs('When it is over at the latest'),
        once: z.literal(true).optional().describe('Until the alarm clears.'),
      })
      .optional()
      .describe('While its rule is shelved for this device and channel: nobody is told of it.'),
    outOfService: z.literal(true).optional().describe('While its rule is out of service for this device and channel.'),
    silenced: z
      .object({ untilMs: epochMs('When it is over at the latest') })
      .optional()
      .describe('While a silence matches it: nobody is told of it.'),
    latched: z.literal(true).optional().describe('The condition no longer holds; the alarm stays until somebody resets it.'),
    matchers: alarmMatchers.optional().describe('Of a silence itself: which alarms it is for.'),
    limit: z
      .object({ ...limitOf, untilMs: epochMs('When it is over. Absent: when somebody ends it').optional() })
      .optional()
      .describe('Of a limit itself: what it is for, and what counts instead of what the rule says.'),
    groups: z.array(z.string()).optional().describe('Groups of the rule file that its device or subject is in.'),
    actor: z.string().optional().describe('Who made this change. Absent: nobody, it came about.'),
    reason: z.string().optional().describe('Why this change was made, as its actor said.'),
    unannounced: z.literal(true).optional().describe('So far no notification of its beginning was due.'),
    dependents: z
      .object({
        count: z.int().describe('How many devices there are.'),
        devices: z.array(z.string()).describe('Their names, the first twenty.'),
      })
      .optional()
      .describe('Of an alarm that is a cause: the devices whose alarms of missing data follow from it.'),
    by: z.string().optional().describe('Who acknowledged it.'),
    note: z.string().optional().describe('What was said with it.'),
    edge: z
      .object({
        node: z.string().describe('The gateway, `<group>/<node>`.'),
        raisedMs: epochMsFine('Event time of the raising, by the gateway; with it the gateway made the id that it told people'),
        decidedMs: epochMs('When the gateway knew of it, by its clock'),
        receivers: z.array(z.string()).describe('Names of the local receivers that the gateway tells.'),
      })
      .optional()
      .describe('The rules of a gateway raised it too, be it that the link was down: this is the same alarm.'),
    value: z.number().optional().describe('Scaled value that made the change, in `unit`, to 12 digits.'),
    unit: z.string().optional().describe('Unit of `value`, UCUM.'),
    state: z.string().optional().describe('Of a channel of texts, in place of `value`: the text that made the change.'),
    text: z.string().describe('For people, such as `spo2 84 % below 88 % for 10 s`.'),
  })
  .describe('A change of the state of one alarm. The newest record of an `id` is its state.')

export const notification = z
  .object({
    f: format,
    k: kind('notification'),
    key: z.string().describe('`<alarm id>#<change>`: what a receiver of notifications knows a repeat by.'),
    alarm,
  })
  .describe('A notification is due. Those that send it do so at least once.')

export const settled = z
  .object({
    f: format,
    k: kind('settled'),
    key: z.string().describe('Of the notification.'),
    target: z.string().describe('Name of the receiver in the configuration.'),
    state: z
      .enum(['sent', 'withheld', 'refused'])
      .describe('`withheld`: too old, or its beginning was never told. `refused`: the receiver does not want it.'),
    atMs: epochMs('When'),
  })
  .describe('What became of a notification at one receiver. It has no source position.')

export const alarmTopicRecord = z.discriminatedUnion('k', [alarm, notification, settled])

/** A change of one alarm's state. `id` names one occurrence: rule, subject and the time it was raised. */
export type AlarmRecord = z.infer<typeof alarm>
export type AlarmPriority = AlarmRecord['priority']
/** A notification that is due; the notifiers send it at least once. `key` is stable over repeats. */
export type NotificationRecord = z.infer<typeof notification>
/** What became of a notification at one receiver: another notifier that takes over goes on from here. */
export type SettledRecord = z.infer<typeof settled>
export type AlarmTopicRecord = z.infer<typeof alarmTopicRecord>
