/** Parts that records of several topics share. Every field says what it is, with its unit; the types are read off. */
import { z } from 'zod'
import { absenceReasons } from '../codes/absences.ts'

/** Version and kind, which every JSON record on a topic that a stage writes opens with. */
export const format = z.literal(1).describe('Format version. A record of another version is not to be read by this document.')
export const kind = <K extends string>(name: K) => z.literal(name).describe('Kind of record.')

/** A code of a catalogue in ../codes. For readers it is open: a later version may have more. */
export const code = (what: string, catalogue: object) =>
  z.string().describe(`${what}: ${Object.keys(catalogue).join(', ')}. A later version may have more.`)

export const epochMs = (what: string) => z.int().describe(`${what}. Milliseconds since 1970-01-01T00:00:00Z.`)
/** Times of absences and waveforms come from sample clocks. */
export const epochMsFine = (what: string) =>
  z.number().describe(`${what}. Milliseconds since 1970-01-01T00:00:00Z, possibly with a fraction.`)

export const subject = z
  .string()
  .describe(
    'What is measured: a patient, a machine, a room. By default the device; the device registry says otherwise, at the time of the record.',
  )
export const device = z.string().describe('Name of the device, unique on the timeline.')
export const node = z.string().describe('Edge node, `<group>/<node>`; `plain` for plain MQTT devices.')
export const stream = z
  .string()
  .describe(
    'Random id made at every start of an edge agent, within which `number` rises. `bridge`: the source has no agent and is counted where it comes in. `derived`: computed of other readings, counted where it is computed.',
  )
export const historical = 'True when it was sent again or late: in the record, but not to be acted on as if it were now.'

export const tally = z
  .tuple([z.int().describe('Scalar readings.'), z.int().describe('Waveform samples.')])
  .describe('Counts: [scalar readings, waveform samples].')

export const absenceReason = z
  .enum(absenceReasons)
  .describe('Why there is no data. `evicted`: measured, and removed at the edge when its buffer was at its bound.')

const counter = z
  .object({
    modulus: z
      .number()
      .positive()
      .optional()
      .describe('It goes round: the value after its highest one, in `unit`, which is 0 again. Absent: it does not.'),
    resets: z.boolean().describe('Whether it may be reset to 0.'),
  })
  .describe('It only counts up: energy, steps, bytes. What is less than the value before it went round or was reset.')

export const channel = z
  .object({
    name: z.string().describe('Name of the channel, unique within its device; the key in `channels` and `waves` of readings.'),
    kind: z
      .enum(['number', 'text', 'boolean', 'waveform'])
      .describe('What values are. Waveforms are in `waves` of readings, all else is in `channels`.'),
    datatype: z
      .enum(['Int16', 'Int32', 'Int64', 'Float', 'Double', 'Boolean', 'String', 'Int16Array', 'Int32Array', 'FloatArray'])
      .describe('Sparkplug B datatype of the raw values. Int64 holds safe integers only: within ±(2^53 − 1).'),
    wire: z
      .enum(['Int8', 'UInt8', 'UInt16', 'UInt32', 'UInt64', 'DateTime'])
      .optional()
      .describe(
        'Sparkplug B datatype that the birth declared, where it is none of the above: how the bytes of a reading without a datatype are read.',
      ),
    unit: z.string().describe('Unit of scaled values, UCUM, such as `/min`, `%`, `mV`; `1` where there is no dimension.'),
    scale: z.number().optional().describe('value = raw × scale + offset, in `unit`. Absent: 1.'),
    offset: z.number().optional().describe('value = raw × scale + offset, in `unit`. Absent: 0.'),
    range: z
      .tuple([z.number().describe('Lowest.'), z.number().describe('Highest.')])
      .optional()
      .describe('Plausible lowest and highest scaled value, in `unit`.'),
    code: z.string().optional().describe('What is measured, as a code: LOINC `loinc:8867-4` or MDC `mdc:147842`.'),
    intervalMs: z
      .number()
      .optional()
      .describe('Nominal milliseconds between readings; of a waveform exactly those between samples. Possibly with a fraction.'),
    silentMsMax: z
      .number()
      .optional()
      .describe(
        'Longest time without a reading while all is well: what does not change is held back for so long, and then until it is measured next.',
      ),
    counter: counter.optional(),
    historical: z
      .literal(true)
      .optional()
      .describe(
        'Only readings of the past come, such as those of an import: nobody waits for the next one, and nobody is called for them.',
      ),
    recipe: z
      .object({
        analysis: z.string().describe('Name of the analysis.'),
        version: z.int().describe('Version of what it computes.'),
        channels: z.array(z.string()).describe('Channels of the device that it takes.'),
        parameters: z.record(z.string(), z.unknown()).describe('Its settings.'),
      })
      .optional()
      .describe('Of a derived channel, which is computed and not measured: from what, and how.'),
  })
  .describe('What a device measures on one channel, or what is computed of others.')

export const column = z
  .object({
    t: z.array(epochMs('Time of the measurement')).describe('Time of each reading, ascending.'),
    v: z
      .array(z.union([z.number(), z.string(), z.boolean()]))
      .describe(
        'Value of each reading, as long as `t`: numbers raw as the device gave them (see `scale` and `offset` of the channel’s newest declaration), texts, or booleans. Never null, NaN or infinite.',
      ),
    q: z
      .array(z.int().min(0).max(2))
      .optional()
      .describe('Quality of each reading, as long as `t`: 0 good, 1 uncertain, 2 bad. Absent: all are good.'),
  })
  .describe('Readings of one channel as columns: reading k is (t[k], v[k], q[k]).')

export const segment = z
  .object({
    t: epochMsFine('Time of the first sample'),
    i: z.number().describe('Milliseconds between samples, above 0, possibly with a fraction: sample k was taken at t + k × i.'),
    v: z.array(z.number()).describe('Raw samples; scaled as readings are. Never null, NaN or infinite.'),
  })
  .describe('Evenly spaced waveform samples.')

const held = {
  by: z.string().describe('Who gave the order.'),
  rule: z.string().describe('Name of the rule.'),
  device: z.string().describe('Name of the device.'),
  channel: z.string().describe('Name of the channel.'),
  reason: z.string().optional().describe('Why. Priority `high` is held back only with one.'),
}

const names = (text: string) => z.array(z.string().min(1).max(200)).min(1).max(1000).optional().describe(text)

export const alarmMatchers = z
  .strictObject({
    priorities: z
      .array(z.enum(['low', 'medium', 'high']))
      .min(1)
      .optional()
      .describe('Of these priorities.'),
    rules: names('Of these rules; * and ? are wild.'),
    devices: names('Of these devices; * and ? are wild.'),
    subjects: names('Of these subjects; * and ? are wild.'),
    channels: names('Of these channels; * and ? are wild.'),
    groups: names('Of devices or subjects in these groups of the rule file; * and ? are wild.'),
    technical: z.boolean().optional().describe('True: only technical alarms; false: only physiological ones.'),
  })
  .describe('Which alarms: those for which every key holds that is given.')

export const registryChange = z
  .object({
    device: z.string().describe('Name of the device.'),
    property: z
      .enum(['subject', 'place', 'name', 'replaces', 'decommissioned'])
      .describe(
        'What is said of it. `replaces`: the device whose place it took, at the beginning of the span. `decommissioned`: out of use; the value says nothing more.',
      ),
    value: z.string().optional().describe('Absent: what was said of this time is taken back.'),
    fromMs: epochMs('Since when'),
    toMs: epochMs('Until when, exclusive. Absent: without an end').optional(),
  })
  .describe(
    'A property of a device over a time. Where several say something of the same time, that of the highest version counts, then of the highest id.',
  )

/** What a limit is for, and what it says instead of the rule. */
export const limitOf = {
  devices: names('For these devices; * and ? are wild.'),
  subjects: names('For these subjects; * and ? are wild.'),
  groups: names('For devices or subjects in these groups of the rule file; * and ? are wild.'),
  keys: z.record(z.string(), z.number()).describe('Keys of the rule, each with the number that counts instead, such as `set`.'),
}

export const control = z
  .union([
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('rules').describe('A new rule file acts from here on.'),
      rules: z.unknown().describe('The rule file, as JSON.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('acknowledge').describe('An alarm is acknowledged.'),
      alarm: z.string().describe('Id of the alarm.'),
      note: z.string().optional().describe('What was said with it.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('comment').describe('Something is said about an alarm.'),
      alarm: z.string().describe('Id of the alarm.'),
      note: z.string().describe('What was said.'),
    }),
    z.object({
      ...held,
      type: z
        .literal('shelve')
        .describe('Nobody is to be told of its alarms for a while. `untilMs` absent: until the next one clears.'),
      untilMs: epochMs('Until when').optional(),
    }),
    z.object({ ...held, type: z.literal('unshelve').describe('They are to be told of again.') }),
    z.object({ ...held, type: z.literal('out-of-service').describe('Nobody is to be told of its alarms until it is put back.') }),
    z.object({ ...held, type: z.literal('in-service').describe('It is put back.') }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('reset').describe('A latched alarm is over.'),
      alarm: z.string().describe('Id of the alarm.'),
      reason: z.string().optional().describe('Why.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('silence').describe('Nobody is to be told of the alarms that match, until a time.'),
      id: z.string().describe('Of the silence; one that is known is replaced.'),
      matchers: alarmMatchers,
      untilMs: epochMs('Until when'),
      reason: z.string().describe('Why.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('end-silence').describe('A silence is over before its time.'),
      id: z.string().describe('Of the silence.'),
      reason: z.string().optional().describe('Why.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z
        .literal('limit')
        .describe('Other limits of a rule act from here on, where they are for, until a time or until they are ended.'),
      id: z.string().describe('Of the limit; one that is known is replaced.'),
      rule: z.string().describe('Name of the rule.'),
      ...limitOf,
      untilMs: epochMs('Until when. Absent: until it is ended').optional(),
      reason: z.string().describe('Why.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('end-limit').describe('A limit is over; those of the rule file act again.'),
      id: z.string().describe('Of the limit.'),
      reason: z.string().optional().describe('Why.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('replay-rejected').describe('A rejected message is to be tried again. Only on `millrace.raw`.'),
      topic: z.string().describe('MQTT topic of the message.'),
      payloadBase64: z.string().describe('Payload of the message, base64.'),
      receivedMs: epochMs('When the message first arrived'),
      retain: z.boolean().optional().describe('True where it was a retained copy that a subscription brought.'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('restored').describe('The log was restored; what was receipted after the backup is in no log any more.'),
      backupMs: epochMs('When the backup was made'),
    }),
    z.object({
      by: z.string().describe('Who gave the order.'),
      type: z.literal('registry').describe('The device registry changes: all of it, or nothing.'),
      id: z.string().describe('Unique. An order that comes twice has the same.'),
      version: z.int().describe('Above that of every change that its author knew.'),
      atMs: epochMs('When it was ordered'),
      changes: z.array(registryChange).describe('What is said of which device, of each property once.'),
      reason: z.string().optional().describe('Why, where it was said.'),
    }),
    z.object({
      by: z.string().describe('Account that did it.'),
      type: z.literal('audit').describe('An entry of the audit trail; it changes nothing.'),
      id: z.string().describe('Unique. An entry that comes twice has the same.'),
      atMs: epochMs('When it was done'),
      action: z.string().describe('What was done, such as `alarm.acknowledge` or `account.role`.'),
      target: z.string().describe('To what: the id of an alarm, the name of an account.'),
      before: z.unknown().optional().describe('What it was before, as JSON.'),
      after: z.unknown().optional().describe('What it was afterwards, as JSON.'),
      reason: z.string().optional().describe('Why, where it was said.'),
    }),
  ])
  .describe('An order of a person or a program. Orders act on the stages only as records.')

/** `[scalar readings, waveform samples]`. */
export type Tally = z.infer<typeof tally>
/** What a device measures on one channel; it travels in the device's birth. */
export type Channel = z.infer<typeof channel>
/** How a channel that only counts up may fall. */
export type Counter = z.infer<typeof counter>
/** Readings of one channel as columns, in time order. `q` is absent where all are good. */
export type Column = z.infer<typeof column>
/** Evenly spaced waveform samples: sample `k` was taken at `t + k * i` ms. Values are unscaled. */
export type Segment = z.infer<typeof segment>
/** Which alarms a silence or a route is for. */
export type AlarmMatchers = z.infer<typeof alarmMatchers>
export type RegistryChange = z.infer<typeof registryChange>
/** What acts on stages only by way of the log: who wanted it, and what. */
export type Control = z.infer<typeof control>
