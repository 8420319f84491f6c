/** Configuration of plain MQTT devices. Which codecs there are, and the keys that only some of them have, come from their list. */
import { z } from 'zod'
import type { PayloadCodec, PayloadConfig } from './codecs/codec.ts'
import { codecOf, codecs } from './codecs/index.ts'

const ownKeys = keysOf('keys')
const ownChannelKeys = keysOf('channelKeys')

const channelSchema = z.strictObject({
  name: z.string().describe('Channel name on the timeline'),
  path: z
    .string()
    .min(1)
    .describe(`Where the value is; ${byCodec(({ path }) => path)}`),
  unit: z.string().default('1').describe('UCUM unit'),
  kind: z.enum(['number', 'text', 'boolean']).default('number').describe('What the value is'),
  ...ownChannelKeys,
})

export type PlainConfig = PayloadConfig & { filter: string; codec: string }

export const plainSchema = z
  .strictObject({
    filter: z.string().describe('MQTT topic filter, such as `sensors/+/vitals`'),
    codec: z
      .enum(codecs.map(({ name }) => name) as [string, ...string[]])
      .default(codecs[0]!.name)
      .describe('How the payload is read'),
    device: z
      .string()
      .default('{1}')
      .describe(`Device name; \`{n}\` is the topic level n, counted from 0; ${byCodec(({ labels }) => labels?.description)}`),
    ...ownKeys,
    channels: z.array(channelSchema).min(1).describe('What to take from the payload'),
  })
  .superRefine((plain, context) => {
    const codec = codecOf(plain as PlainConfig)
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    for (const key of foreignKeys(plain, ownKeys, codec.keys)) refuse([key], `means nothing to ${codec.name}`)
    for (const [index, channel] of (plain as PlainConfig).channels.entries())
      for (const key of foreignKeys(channel, ownChannelKeys, codec.channelKeys))
        refuse(['channels', index, key], `means nothing to ${codec.name}`)
    for (const label of wrongLabels(plain as PlainConfig, codec)) refuse(['device'], `${codec.name} knows no {${label}}`)
  }) as unknown as z.ZodType<PlainConfig>

/** Every codec's own keys, each described as what it is to whom. */
function keysOf(part: 'keys' | 'channelKeys'): z.ZodRawShape {
  const all: Record<string, z.ZodType> = Object.assign({}, ...codecs.map((codec) => codec[part]))
  const described = ([name, key]: [string, z.ZodType]) => [
    name,
    key.describe(byCodec((codec) => descriptionOf(codec[part], name))),
  ]
  return Object.fromEntries(Object.entries(all).map(described))
}

function descriptionOf(keys: z.ZodRawShape | undefined, name: string): string | undefined {
  return (keys?.[name] as z.ZodType | undefined)?.description
}

/** `json: ...; senml-json, senml-cbor: ...` */
function byCodec(textOf: (codec: PayloadCodec) => string | undefined): string {
  const groups = Map.groupBy(codecs, textOf)
  groups.delete(undefined)
  return [...groups].map(([text, group]) => `${group.map(({ name }) => name).join(', ')}: ${text}`).join('; ')
}

function foreignKeys(given: object, all: z.ZodRawShape, own: z.ZodRawShape = {}): string[] {
  return Object.keys(all).filter((key) => (given as Record<string, unknown>)[key] !== undefined && !(key in own))
}

function wrongLabels({ device }: PlainConfig, { labels }: PayloadCodec): string[] {
  const all = [...device.matchAll(/\{([^{}]*)\}/g)].map(([, label]) => label!)
  return all.filter((label) => !/^\d+$/.test(label) && !labels?.pattern.test(label))
}
