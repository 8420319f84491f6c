import { z } from 'zod'

const channelSchema = z.strictObject({
  name: z.string().describe('Channel name on the timeline'),
  path: z.string().describe('Where the value stands in the payload: `vitals.hr`'),
  unit: z.string().default('1').describe('UCUM unit'),
  kind: z.enum(['number', 'text', 'boolean']).default('number'),
})

export const plainSchema = z.strictObject({
  filter: z.string().describe('MQTT topic filter, such as `sensors/+/vitals`'),
  codec: z.enum(['json']).default('json').describe('How the payload is read'),
  device: z.string().default('{1}').describe('Device name; `{n}` is the topic level n, counted from 0'),
  time: z.string().optional().describe('Where the time stands in the payload (epoch ms or ISO 8601); absent: time of arrival'),
  channels: z.array(channelSchema).min(1).describe('What to take from the payload'),
})
export type PlainConfig = z.infer<typeof plainSchema>

export const prepareSchema = z.strictObject({
  futureMsMax: z
    .number()
    .int()
    .min(0)
    .default(3_600_000)
    .describe('A reading later than its arrival by more than this is rejected'),
  pastMsMin: z
    .number()
    .int()
    .default(Date.UTC(2000, 0, 1))
    .describe('A reading before this time (epoch ms) is rejected'),
  plain: z.array(plainSchema).default([]).describe('Plain MQTT devices by topic filter'),
})
export type PrepareConfig = z.infer<typeof prepareSchema>
