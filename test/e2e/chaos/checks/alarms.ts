/**
 * Alarms one to one by key: a delivery belongs to a notification in the alarms topic, and each of those was delivered, or
 * the notifier said why it was withheld. A repeat of a delivery has a kill of the processor between the two.
 */
import type { Strike } from '../faults.ts'
import type { Installation } from '../installation.ts'
import type { Ledgers } from '../observer.ts'
import { readTopic } from './log.ts'

export interface AlarmFinding {
  due: number
  physiological: number
  delivered: number
  repeats: number
  withheld: number
  wrong: string[]
}

export async function compareAlarms({ api, webhook }: Installation, ledgers: Ledgers, strikes: Strike[]): Promise<AlarmFinding> {
  const due = new Map<string, { technical: boolean }>()
  for await (const { record } of readTopic(api, 'alarms'))
    if (record.k === 'notification') due.set(record.key as string, record.alarm as { technical: boolean })
  const wrong: string[] = []
  const deliveries = Map.groupBy(webhook.deliveries, ({ key }) => key)
  for (const key of due.keys())
    if (!deliveries.has(key) && !ledgers.withheld.has(key)) wrong.push(`${key} was due and never delivered`)
  let repeats = 0
  for (const [key, list] of deliveries) {
    if (!due.has(key)) wrong.push(`${key} was delivered and is no notification`)
    for (let k = 1; k < list.length; k++) {
      repeats++
      const [before, after] = [list[k - 1]!.atMs, list[k]!.atMs]
      const isExcused = strikes.some(
        ({ kind, fromMs }) => kind === 'kill -9 processor' && fromMs >= before - 1 && fromMs <= after,
      )
      if (!isExcused) wrong.push(`${key} was delivered again without a kill`)
    }
  }
  const physiological = [...due.values()].filter(({ technical }) => !technical).length
  return { due: due.size, physiological, delivered: deliveries.size, repeats, withheld: ledgers.withheld.size, wrong }
}
