/** Publishes to a topic of an ntfy server by JSON (docs.ntfy.sh/publish, "Publish as JSON"): a POST to the server's root. */
import { z } from 'zod'
import { deliver, guarded, httpKeys } from '../http.ts'
import { alarmsPage, subjectOf, textOf } from '../message.ts'
import type { Notification, NotifierPlugin } from '../notifier.ts'

const schema = guarded(
  z.strictObject({
    kind: z.literal('ntfy'),
    name: z.string().min(1).max(100).default('ntfy').describe('Unique among the receivers.'),
    ...httpKeys,
    url: httpKeys.url.describe('Of the server, such as https://ntfy.example/.'),
    topic: z
      .string()
      .regex(/^[-_A-Za-z0-9]{1,64}$/, 'use letters, digits, dash, underscore; at most 64')
      .describe('Everybody who knows its name can read it.'),
  }),
)

export const ntfy: NotifierPlugin<z.infer<typeof schema>> = {
  kind: 'ntfy',
  schema,
  create: (config, { target, pageUrl }) => ({
    send: (notification, signal) =>
      deliver(config, { target, key: notification.key, body: bodyOf(notification, config.topic, pageUrl), signal }),
  }),
}

/** 5 makes a phone ring also where it is told to be quiet; 3 is the default. */
const priorities = { high: 5, medium: 4, low: 3 }
/** The server takes 4096 bytes, and makes a file of what is longer. */
const messageMax = 1000

function bodyOf(notification: Notification, topic: string, pageUrl: string | undefined) {
  const { alarm } = notification
  const page = pageUrl === undefined ? {} : { click: alarmsPage(pageUrl) }
  return {
    topic,
    title: subjectOf(notification).slice(0, 200),
    message: textOf(notification, undefined).slice(0, messageMax),
    priority: alarm.active ? priorities[alarm.priority] : 2,
    tags: [alarm.active ? 'rotating_light' : 'white_check_mark'],
    ...page,
  }
}
