/** The table of the equation beside what the store itself answers: a question may be answered, and wrongly. */
import type { LedgerRow } from '@millrace/cloud-processor/stores'
import type { Series } from './ask-prometheus.ts'

/** In the order of the table's questions; of readings. */
const amounts: { name: string; of: (row: LedgerRow) => number }[] = [
  { name: 'read', of: ({ counts }) => counts.edge.read[0] },
  { name: 'stored', of: ({ stored }) => stored[0] },
  { name: 'filtered', of: ({ counts }) => counts.edge.filtered[0] },
  { name: 'rejected', of: ({ counts }) => counts.edge.rejected[0] + counts.rejected[0] },
  { name: 'evicted', of: ({ counts }) => counts.evicted[0] },
  { name: 'collapsed', of: ({ collapsed }) => collapsed[0] },
  { name: 'off balance', of: ({ difference }) => Math.abs(difference[0]) },
]

/** One line for each difference; none when the table is right. */
export function compareLedger(ledger: LedgerRow[], answers: Series[][]): string[] {
  const devices = [...new Set(ledger.map(({ device }) => device))]
  return amounts.flatMap(({ name, of }, k) =>
    devices.flatMap((device) => {
      const truth = ledger.filter((row) => row.device === device).reduce((sum, row) => sum + of(row), 0)
      const shown = answers[k]!.filter(({ metric }) => metric.device === device).reduce(
        (sum, one) => sum + Number(one.values[0]![1]),
        0,
      )
      return shown === truth ? [] : [`${device}: ${name} is ${truth}, and ${shown} in the table`]
    }),
  )
}
