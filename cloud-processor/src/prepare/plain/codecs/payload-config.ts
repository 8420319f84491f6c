/** What the configuration says about a payload: where its devices, times and values are. */
import { z } from 'zod'

const channelSchema = z.strictObject({
  name: z.string().describe('Channel name on the timeline'),
  path: z
    .string()
    .min(1)
    .describe('Where the value is: json `vitals.hr`, senml the name or its end `temp`, influx-line `measurement.field`'),
  unit: z.string().default('1').describe('UCUM unit'),
  kind: z.enum(['number', 'text', 'boolean']).default('number').describe('What the value is'),
  payloadUnit: z.string().optional().describe('senml: a value in another unit is rejected; absent: not looked at'),
})

export const payloadSchema = z.strictObject({
  device: z
    .string()
    .default('{1}')
    .describe(
      'Device name; `{n}` is the topic level n, counted from 0; senml: `{base}` what is before the path in the name; influx-line: `{measurement}`, `{tag.<key>}`',
    ),
  time: z.string().optional().describe('json: where the time is (epoch ms or ISO 8601); absent: time of arrival'),
  precision: z.enum(['ns', 'us', 'ms', 's']).optional().describe('influx-line: unit of the timestamps; absent: ns'),
  channels: z.array(channelSchema).min(1).describe('What to take from the payload'),
})
export type PayloadConfig = z.infer<typeof payloadSchema>
export type PayloadChannel = PayloadConfig['channels'][number]
