/** Configuration of who is told of which alarm, when, and how often. */
import { alarmMatchers } from '@millrace/contract'
import { z } from 'zod'

const dayMs = 86_400_000
const weekDays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'write HH:MM, from 00:00 to 24:00')
const receivers = z.array(z.string().min(1)).min(1).max(20)
const ms = (max: number) => z.number().int().min(0).max(max)

export const muteSchema = z.strictObject({
  name: z.string().min(1).max(100).describe('What routes call it.'),
  zone: z
    .string()
    .default('UTC')
    .refine(isZone, 'is not a known time zone: write one as Europe/Berlin')
    .describe('Time zone of the days and times, such as Europe/Berlin.'),
  times: z
    .array(
      z.strictObject({
        days: z
          .array(z.enum(weekDays))
          .min(1)
          .max(7)
          .default([...weekDays])
          .describe('Days of the week on which it begins.'),
        from: clockTime.default('00:00').describe('When it begins.'),
        to: clockTime.default('24:00').describe('When it ends; not after `from`: on the next day.'),
      }),
    )
    .min(1)
    .max(50)
    .describe('Every week.'),
})
export type MuteTimes = z.infer<typeof muteSchema>

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

/** What a route that does not say it has from the route above it. */
const settings = {
  to: receivers.describe('Names of receivers.').optional(),
  groupBy: z
    .array(z.enum(['rule', 'device', 'subject', 'channel', 'priority', 'technical', 'group']))
    .max(7)
    .optional()
    .describe('Alarms that have these in common are told in one message. Default: all of the route.'),
  waitMs: ms(3_600_000).optional().describe('How long the first message of a group waits for more. Default 5000.'),
  intervalMs: ms(dayMs).optional().describe('Shortest time between two messages of a group. Default 30000.'),
  repeatMs: ms(7 * dayMs)
    .min(60_000)
    .optional()
    .describe('An alarm is told again this often while it is active and nothing holds it back. Default: never.'),
  mute: z
    .array(z.string())
    .max(20)
    .optional()
    .describe('Names of `muteTimes` in which nobody is told; what is still active after it is told then.'),
  escalate: z
    .array(
      z.strictObject({
        afterMs: ms(7 * dayMs)
          .min(1000)
          .describe('Time without an acknowledgement, since it was told first.'),
        to: receivers.describe('Who is told then.'),
      }),
    )
    .max(10)
    .optional()
    .describe('Who else is told of an alarm that stays active and that nobody acknowledges.'),
}

export interface Route extends z.infer<z.ZodObject<typeof settings>> {
  match?: z.infer<typeof alarmMatchers> | undefined
  continue?: boolean | undefined
  routes?: Route[] | undefined
}

export const routeSchema: z.ZodType<Route> = z.strictObject({
  match: alarmMatchers.optional().describe('Which alarms the route is for. Default: all that come to it.'),
  ...settings,
  continue: z.boolean().optional().describe('Whether the routes after it are asked as well. Default false.'),
  get routes() {
    return z
      .array(routeSchema)
      .max(200)
      .optional()
      .describe('Asked in this order; the first that matches is taken. Where none does, the route itself is.')
  },
})
