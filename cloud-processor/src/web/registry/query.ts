/** Queries and bodies of the device registry. */
import { z } from 'zod'
import { by, channelName, ordered, span } from '../query.ts'

const timeMs = z.int('must be a time in epoch ms').min(0).max(8.64e15).optional()
const name = z.string().trim().min(1).max(256)
const order = { device: name, by, reason: z.string().trim().max(1000).optional(), fromMs: timeMs }
const over = z.boolean().optional()

export const assignment = z.strictObject({ ...order, subject: name, toMs: timeMs, over })
export const unassignment = z.strictObject({ ...order, toMs: timeMs })
export const description = z.strictObject({
  ...order,
  name: z.string().trim().max(256).optional(),
  place: z.string().trim().max(256).optional(),
})
export const replacement = z.strictObject({ ...order, with: name, over })
export const beginning = z.strictObject(order)
export const registryQuery = z.strictObject({ device: name.optional() })
export const subjectExport = ordered(z.strictObject({ ...span, channel: channelName }))
