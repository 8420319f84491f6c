/** Configuration of plain MQTT devices. Which codecs there are, and the keys that only some of them have, come from their list. */
import { z } from 'zod'
import type { PayloadCodec } from './codecs/codec.ts'
import { codecOf, codecs } from './codecs/index.ts'
import { quotedNumbers, words } from './codecs/words.ts'
import type { PlainConfig } from './entry.ts'
import { templates } from './templates/index.ts'
import { isTopicLabel, labelsOf } from './topic-names.ts'

export type { PlainConfig }

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

export const plainSchema = z
  .strictObject({
    filter: z.string().optional().describe('MQTT topic filter, such as `sensors/+/vitals`; instead of it: template'),
    template: z
      .enum(templates.map(({ name }) => name) as [string, ...string[]])
      .optional()
      .describe(
        `Reads what one maker's devices publish. ${templates.map((each) => `\`${each.name}\`: ${each.description}`).join('; ')}`,
      ),
    base: z
      .string()
      .optional()
      .describe(
        `With a template: the topic above its own; absent: ${templates.map(({ name, base }) => `${name} \`${base}\``).join(', ')}`,
      ),
    ignore: z.array(z.string()).optional().describe('Topic filters of what is not read; `#` may stand before other levels'),
    codec: z
      .enum(codecs.map(({ name }) => name) as [string, ...string[]])
      .default(codecs[0]!.name)
      .describe('How the payload is read'),
    device: z
      .string()
      .default('{1}')
      .describe(
        `Device name; \`{n}\` is the topic level n, counted from 0 or with a minus from the end, \`{last}\` the last one, \`{topic}\` the topic, \`{rest}\` what # took; ${byCodec(({ labels }) => labels?.description)}`,
      ),
    ...ownKeys,
    channels: z
      .array(channelSchema)
      .default([])
      .describe('What to take from the payload; absent: every number, boolean and text becomes a channel, new ones as they come'),
    channel: z
      .string()
      .optional()
      .describe(
        'Without channels: of a payload that is one value its channel, else what its channels’ names begin with; braces as in device',
      ),
    channelsMax: z
      .int()
      .min(1)
      .default(200)
      .describe('Channels of one device that come without a list; readings of more are rejected: PREPARE_LIMIT'),
    words,
    quotedNumbers,
  })
  .superRefine((plain, context) => {
    const codec = codecOf(plain as PlainConfig)
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    for (const key of foreignKeys(plain, ownKeys, codec.keys)) refuse([key], `means nothing to ${codec.name}`)
    for (const [index, channel] of (plain as PlainConfig).channels.entries())
      for (const key of foreignKeys(channel, ownChannelKeys, codec.channelKeys))
        refuse(['channels', index, key], `means nothing to ${codec.name}`)
    if ((plain.filter === undefined) === (plain.template === undefined)) refuse(['filter'], 'set filter or template')
    if (plain.base !== undefined && plain.template === undefined) refuse(['base'], 'means nothing without template')
    if (plain.template !== undefined && plain.channels.length > 0) refuse(['channels'], 'means nothing beside template')
    for (const label of wrongLabels(plain as PlainConfig, codec)) refuse(['device'], `${codec.name} knows no {${label}}`)
    for (const label of labelsOf(plain.channel ?? '').filter((each) => !isTopicLabel(each)))
      refuse(['channel'], `a topic knows no {${label}}`)
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
  return labelsOf(device).filter((label) => !isTopicLabel(label) && !labels?.pattern.test(label))
}
