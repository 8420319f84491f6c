/** What became of the notifications: what the outbox says, and what the receiver got. */
import { DatabaseSync } from 'node:sqlite'
import type { Program } from '../../support/program.ts'
import type { Delivery } from '../../support/webhook-receiver.ts'
import { classes, notificationsOf } from './lines.ts'

interface Row {
  key: string
  state: string
  error: string | null
}

export interface Limits {
  inFlightMax: number
  /** How often what was in flight was cut off: by a kill, or by a stop that does not wait so long. */
  cutOff: number
  /** Of the deliveries, those before all was known to the notifier. */
  early: number
}

/** The processor does not run. */
export function readOutbox(path: string): Row[] {
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db.prepare(`SELECT key, state, error FROM notifications WHERE alarm LIKE 'low/%' OR alarm LIKE 'high/%'`).all()
  db.close()
  return rows as unknown as Row[]
}

export function judge({ check, say }: Program, rows: Row[], deliveries: Delivery[], limits: Limits): void {
  const states = Map.groupBy(rows, ({ state, error }) => (error ? `${state}: ${error}` : state))
  say(`outbox: ${[...states].map(([state, { length }]) => `${length} ${state}`).join(', ')}`)
  check(rows.length === notificationsOf.total, `${rows.length} of ${notificationsOf.total} notifications were due`)
  const others = rows.filter(({ state }) => state !== 'sent' && state !== 'withheld')
  check(others.length === 0, `each was delivered or withheld by the rule; ${others.length} were not`)

  const first = new Map<string, number>()
  const own = deliveries.filter(({ key }) => classes.some((name) => key.startsWith(`${name}/`)))
  for (const [index, { key }] of own.entries()) if (!first.has(key)) first.set(key, index)
  const marked = new Set(rows.filter(({ state }) => state === 'sent').map(({ key }) => key))
  const missing = [...marked].filter((key) => !first.has(key))
  check(missing.length === 0, `the receiver got the ${marked.size} that are marked as sent; ${missing.length} are missing`)
  // Cut off between sending and marking: by the next start they were over.
  const unmarked = [...first.keys()].filter((key) => !marked.has(key))
  const endless = unmarked.filter((key) => !first.has(key.replace('#raised', '#cleared')))
  const most = limits.cutOff * limits.inFlightMax
  check(
    unmarked.length <= most && endless.length === 0,
    `${unmarked.length} of those in flight at the kill and the stop were over at the next start; ${endless.length} of them never end for the receiver`,
  )
  const repeats = own.length - first.size
  check(repeats <= most, `${repeats} were repeated; cut off ${limits.cutOff} times, ${limits.inFlightMax} in flight`)
  judgeOrder(check, first, limits)
}

function judgeOrder(check: Program['check'], first: Map<string, number>, { inFlightMax, early }: Limits): void {
  const reversed = [...first].filter(
    ([key, at]) => key.endsWith('#cleared') && at < (first.get(key.replace('#cleared', '#raised')) ?? Infinity),
  )
  check(reversed.length === 0, `no end came before its beginning; ${reversed.length} did`)
  const beginnings = [...first].filter(([key, at]) => key.endsWith('#raised') && at >= early)
  const lastHigh = Math.max(...beginnings.map(([key, at]) => (key.startsWith('high/') ? at : -1)))
  const hasty = beginnings.filter(([key, at]) => key.startsWith('low/') && at < lastHigh - inFlightMax)
  check(
    hasty.length === 0,
    `high priority first: ${hasty.length} beginnings of low priority were sent while one of high priority waited`,
  )
}
