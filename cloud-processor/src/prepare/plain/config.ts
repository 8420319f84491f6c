import { z } from 'zod'
import type { PayloadCodec } from './codecs/codec.ts'
import { type CodecName, codecs } from './codecs/index.ts'
import { payloadSchema } from './codecs/payload-config.ts'

export const plainSchema = z
  .strictObject({
    filter: z.string().describe('MQTT topic filter, such as `sensors/+/vitals`'),
    codec: z
      .enum(Object.keys(codecs) as CodecName[])
      .default('json')
      .describe('How the payload is read'),
    ...payloadSchema.shape,
  })
  .superRefine((plain, context) => {
    const codec: PayloadCodec = codecs[plain.codec]
    const isForeign = (key: PayloadCodec['keys'][number]) => !codec.keys.includes(key)
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    for (const key of ['time', 'precision'] as const)
      if (plain[key] !== undefined && isForeign(key)) refuse([key], `means nothing to ${plain.codec}`)
    for (const [index, channel] of plain.channels.entries())
      if (channel.payloadUnit !== undefined && isForeign('payloadUnit'))
        refuse(['channels', index, 'payloadUnit'], `means nothing to ${plain.codec}`)
    for (const [, label] of plain.device.matchAll(/\{([^{}]*)\}/g))
      if (!/^\d+$/.test(label!) && !codec.labels.test(label!)) refuse(['device'], `${plain.codec} knows no {${label}}`)
  })
export type PlainConfig = z.infer<typeof plainSchema>
