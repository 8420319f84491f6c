/** Configuration of the notifications. */
import { z } from 'zod'
import { targetSchema } from './notifiers/index.ts'

export const notifierSchema = z.strictObject({
  to: z
    .array(targetSchema)
    .max(20)
    .refine((targets) => new Set(targets.map(({ name }) => name)).size === targets.length, 'two receivers have the same name')
    .default([])
    .describe('Who is told. Each receiver is told of every notification, on its own.'),
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
export type NotifierConfig = z.infer<typeof notifierSchema>
