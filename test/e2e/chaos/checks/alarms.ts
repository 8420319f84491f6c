/**
 * Alarms one to one by key: a delivery belongs to a notification in the alarms topic, and each of those was delivered, or
 * the notifier said why it was withheld. A repeat of a delivery has a kill of the processor between the two. Where several
 * share a log, another goes on when one falls silent: there a freeze excuses a repeat as well, and so does one of the log,
 * through which they know of each other and of what was sent.
 */
import { until } from '../../../support/until.ts'
import type { Strike } from '../faults.ts'
import type { Installation } from '../installation.ts'
import type { Kind } from '../kinds.ts'
import type { Ledgers } from '../observer.ts'
import type { LogView } from './log.ts'

export interface AlarmFinding {
  due: number
  physiological: number
  delivered: number
  repeats: number
  withheld: number
  wrong: string[]
}

/** Kinds after which another notifier may have to send again. */
const silencing: Kind[] = [
  'kill -9 processor',
  'kill -9 two processors',
  'SIGSTOP processor',
  'zombie processor',
  'kill -9 Kafka',
  'SIGSTOP Kafka',
]
/** After its end the others still take it for gone. */
const silentForMs = 5000

export async function compareAlarms(
  { webhook, shared }: Installation,
  log: LogView,
  ledgers: Ledgers,
  strikes: Strike[],
): Promise<AlarmFinding> {
  const due = new Map<string, { technical: boolean }>()
  for await (const { record } of log.read('alarms'))
    if (record.k === 'notification') due.set(record.key as string, record.alarm as { technical: boolean })
  // The last ones, absences of devices that were switched off, may still be in flight.
  const isTold = () => {
    const told = new Set(webhook.deliveries.map(({ key }) => key))
    return [...due.keys()].every((key) => told.has(key) || ledgers.withheld.has(key))
  }
  await until('every notification is told', isTold, { withinMs: 10_000 }).catch(() => undefined)
  const wrong: string[] = []
  const isExcuse = shared
    ? ({ kind, fromMs, toMs = Infinity }: Strike, before: number, after: number) =>
        silencing.includes(kind) && fromMs <= after && toMs + silentForMs >= before - 1
    : ({ kind, fromMs }: Strike, before: number, after: number) =>
        kind === 'kill -9 processor' && fromMs >= before - 1 && fromMs <= after
  const deliveries = Map.groupBy(webhook.deliveries, ({ key }) => key)
  for (const key of due.keys())
    if (!deliveries.has(key) && !ledgers.withheld.has(key)) wrong.push(`${key} was due and never delivered`)
  let repeats = 0
  for (const [key, list] of deliveries) {
    if (!due.has(key)) wrong.push(`${key} was delivered and is not a notification`)
    for (let k = 1; k < list.length; k++) {
      repeats++
      const [before, after] = [list[k - 1]!.atMs, list[k]!.atMs]
      if (!strikes.some((strike) => isExcuse(strike, before, after))) wrong.push(`${key} was delivered again without a kill`)
    }
  }
  const physiological = [...due.values()].filter(({ technical }) => !technical).length
  return { due: due.size, physiological, delivered: deliveries.size, repeats, withheld: ledgers.withheld.size, wrong }
}
