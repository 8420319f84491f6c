/**
 * Publishes each notification as JSON to a topic, QoS 1: `{key, subject, text, alarm | alarms, count}`. A connection for each, which is
 * closed when the broker has acknowledged: there are few of them, and nothing is left to be watched.
 */
import {
  addressKeys,
  credentialsInClear,
  isAllowedHost,
  keepsCredentials,
  linkLocalRefused,
  MillraceError,
  readSecret,
} from '@millrace/platform'
import { connectAsync, type IClientOptions } from 'mqtt'
import { z } from 'zod'
import { refuseAddress } from '../host.ts'
import { detailOf } from '../http.ts'
import { subjectOf, textOf } from '../message.ts'
import type { Notification, NotifierPlugin } from '../notifier.ts'

const section = z.strictObject({
  kind: z.literal('mqtt'),
  name: z.string().min(1).max(100).default('mqtt').describe('Unique among the receivers.'),
  url: z.url({ protocol: /^(mqtts?|wss?)$/ }).describe('Of the broker, such as mqtts://broker.example:8883.'),
  topic: z
    .string()
    .regex(/^[^+#\0]{1,500}$/, 'a topic to publish to has no + and no #')
    .default('millrace/alarms/{device}')
    .describe('{device} {subject} {rule} {priority} of the first alarm are filled in.'),
  user: z.string().optional().describe('User at the broker.'),
  passwordFile: z.string().optional().describe('File with the password, read at every sending so that it can rotate.'),
  retain: z.boolean().default(false).describe('Whether the broker keeps the newest for who subscribes later.'),
  insecure: z
    .boolean()
    .default(false)
    .describe('Sends the password to another machine without TLS: anybody on the way reads it.'),
  ...addressKeys,
})
const schema = section
  .refine(({ user, passwordFile, ...rest }) => keepsCredentials(rest, [user, passwordFile]), credentialsInClear)
  .refine(isAllowedHost, linkLocalRefused)
type Config = z.infer<typeof schema>

export const mqtt: NotifierPlugin<Config> = {
  kind: 'mqtt',
  schema,
  create: (config, { target, pageUrl }) => ({
    async send(notification, signal) {
      signal.throwIfAborted()
      const body = JSON.stringify({ ...notification, subject: subjectOf(notification), text: textOf(notification, pageUrl) })
      await publish(config, topicOf(config.topic, notification), body, { target, signal }).catch((cause) => {
        throw new MillraceError('NOTIFY_UNREACHABLE', { target, detail: detailOf(cause) }, cause)
      })
    },
  }),
}

async function publish(config: Config, topic: string, body: string, { target, signal }: { target: string; signal: AbortSignal }) {
  await refuseAddress(config)
  const password = config.passwordFile === undefined ? undefined : readSecret(config.passwordFile, `${target}.passwordFile`)
  const options: IClientOptions = {
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    ...(config.user === undefined ? {} : { username: config.user }),
    ...(password === undefined ? {} : { password }),
  }
  const client = await connectAsync(config.url, options)
  const end = () => client.end(true)
  signal.addEventListener('abort', end, { once: true })
  try {
    signal.throwIfAborted()
    await client.publishAsync(topic, body, { qos: 1, retain: config.retain })
    await client.endAsync()
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** What a device calls itself adds no level to the topic, and no wildcard. */
function topicOf(template: string, { alarm }: Notification): string {
  const { device, subject, rule, priority } = alarm
  const words = new Map(Object.entries({ device, subject, rule, priority }))
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => words.get(name)?.replace(/[+#/\0]/g, '_') ?? whole)
}
