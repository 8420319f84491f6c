/** Configuration of the notifications. */
import { z } from 'zod'
import { targetSchema } from './notifiers/index.ts'
import { muteSchema, routeSchema } from './routing/config.ts'
import { unknownNames } from './routing/routes.ts'

const section = z.strictObject({
  to: z
    .array(targetSchema)
    .max(20)
    .refine((targets) => new Set(targets.map(({ name }) => name)).size === targets.length, 'two receivers have the same name')
    .default([])
    .describe('Who is told. Each receiver is told of every notification, on its own.'),
  route: routeSchema
    .optional()
    .describe(
      'Which of them is told of which alarm, in what groups, and when again. Absent: each of every notification, on its own.',
    ),
  muteTimes: z.array(muteSchema).max(100).default([]).describe('Weekly times in which routes that name them tell nobody.'),
  messagesPerMinute: z
    .number()
    .int()
    .min(2)
    .max(1000)
    .default(10)
    .describe(
      'Messages that a receiver of a route gets in a minute; what is urgent comes also past it. What comes more often is told together.',
    ),
  pageUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address of the page as people reach it, for the link in messages.'),
  pageAgeMaxMs: z
    .number()
    .int()
    .min(1000)
    .default(60_000)
    .describe('An older alarm is not told of, unless it is still active once the processor has caught up.'),
  inFlightMax: z
    .number()
    .int()
    .min(1)
    .max(256)
    .default(8)
    .describe('Notifications that a receiver is sent at once. The end of an alarm always follows its beginning.'),
  timeoutMs: z.number().int().min(100).default(10_000).describe('How long a receiver may take for one notification.'),
  retryMsMax: z.number().int().min(100).default(30_000).describe('Longest wait before a failed one is sent again.'),
  failingAfterMs: z
    .number()
    .int()
    .min(1000)
    .default(300_000)
    .describe('A receiver that takes nothing for so long is a technical alarm, which the other receivers are told.'),
  queueMax: z
    .number()
    .int()
    .min(1)
    .default(10_000)
    .describe(
      'Most notifications that wait. Past it one is given up for each that comes: of the device that has most of them, the least urgent and oldest.',
    ),
  historyMax: z.number().int().min(0).default(10_000).describe('How many that are done with are kept, for the page.'),
})
export const notifierSchema = section.superRefine(({ route, to, muteTimes }, context) => {
  const names = [to, muteTimes].map((all) => all.map(({ name }) => name))
  for (const message of route ? unknownNames(route, names[0]!, names[1]!) : [])
    context.addIssue({ code: 'custom', path: ['route'], message })
})
export type NotifierConfig = z.infer<typeof notifierSchema>
