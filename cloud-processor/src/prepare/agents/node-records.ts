/** Ledger, gap and alarm records as they come from outside: gone by only when they are what they must be. */
import type { EdgeAlarms, GapRecord, LedgerRecord } from '@millrace/contract'
import { z } from 'zod'

const whole = z.int().min(0)
const tally = z.tuple([whole, whole])
const time = z.number().min(0).max(8.64e15)

const ledgerSchema = z.object({
  f: z.literal(1),
  stream: z.string(),
  through: whole,
  devices: z.record(
    z.string(),
    z.object({ read: tally, filtered: tally, rejected: tally, evicted: tally, frames: z.tuple([whole, whole]) }),
  ),
  floors: z.record(z.string(), whole),
  backlog: z.object({ rows: whole, bytes: whole }).optional(),
  closed: z.boolean().optional(),
})

const gapSchema = z.object({
  f: z.literal(1),
  reason: z.enum(['evicted', 'set-aside']),
  stream: z.string(),
  numbers: z.array(z.tuple([whole, whole]).refine(([first, last]) => first <= last)),
  devices: z.record(z.string(), z.array(z.object({ fromMs: time, toMs: time, lost: tally }))),
})

const name = z.string().min(1).max(200)
const text = z.string().max(2000)
const alarmsSchema = z.object({
  f: z.literal(1),
  alarms: z
    .array(
      z.object({
        rule: name,
        device: name,
        channel: name,
        priority: z.enum(['low', 'medium', 'high']),
        technical: z.boolean(),
        change: z.enum(['raised', 'cleared']),
        atMs: time,
        raisedMs: time,
        value: z.number().optional(),
        unit: text.optional(),
        state: text.optional(),
        text,
        decidedMs: time,
        receivers: z.array(name).max(100),
      }),
    )
    .max(1000),
})

/** @throws SyntaxError, ZodError. */
export function parseAlarms(text: string): EdgeAlarms {
  return alarmsSchema.parse(JSON.parse(text)) as EdgeAlarms
}

/** @throws SyntaxError, ZodError. */
export function parseLedger(text: string): LedgerRecord {
  return ledgerSchema.parse(JSON.parse(text)) as LedgerRecord
}

/** @throws SyntaxError, ZodError. */
export function parseGap(text: string): GapRecord {
  return gapSchema.parse(JSON.parse(text)) as GapRecord
}
