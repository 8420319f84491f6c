/** What an import says to people. */
import { ownValue, setOwn } from '@millrace/platform'
import type { Done } from './command.ts'
import type { Outcome } from './run.ts'
import { printAccount } from './store.ts'
import { emptyCounts, type FileCounts } from './watermark.ts'

/** Of all files: those that were imported before included. */
function totalOf({ files }: Pick<Outcome, 'files'>): FileCounts {
  const total = emptyCounts()
  for (const { counts } of files) {
    for (const key of ['read', 'refused', 'empty'] as const) total.rows[key] += counts.rows[key]
    for (const kind of ['readings', 'samples'] as const)
      for (const key of ['written', 'refused'] as const) total[kind][key] += counts[kind][key]
    for (const [reason, count] of Object.entries(counts.reasons))
      setOwn(total.reasons, reason, (ownValue(total.reasons, reason) ?? 0) + count)
  }
  return total
}

const n = (count: number) => count.toLocaleString('en-US')

export function printDone(done: Done): string {
  const { files, faults, first = [], isSent, account } = done
  return [
    ...first.map((one) => JSON.stringify(one)),
    ...files.map(({ path, counts, isOld, rejects }) =>
      [`${path}${isOld ? ' (imported before)' : ''}`, ...linesOf(counts), ...(rejects ? [`  refused: ${rejects}`] : [])].join(
        '\n',
      ),
    ),
    ...(files.length > 1 ? [['total', ...linesOf(totalOf(done))].join('\n')] : []),
    ...(account ? [printAccount(account)] : []),
    ...(isSent ? [] : ['Not all of it has its receipt yet: import again, and the rest is sent.']),
    ...faults.map(({ error }) => error.message),
  ].join('\n')
}

function linesOf({ rows, readings, samples, reasons }: FileCounts): string[] {
  const used = rows.read - rows.refused - rows.empty
  const list = Object.entries(reasons).map(([reason, count]) => `${reason} ${n(count)}`)
  return [
    `  rows      ${n(rows.read)} read = ${n(used)} used + ${n(rows.refused)} refused + ${n(rows.empty)} without a value`,
    `  readings  ${n(readings.written + readings.refused)} read = ${n(readings.written)} written + ${n(readings.refused)} refused`,
    ...(samples.written + samples.refused > 0
      ? [
          `  samples   ${n(samples.written + samples.refused)} read = ${n(samples.written)} written + ${n(samples.refused)} refused`,
        ]
      : []),
    ...(list.length > 0 ? [`  reasons   ${list.join(', ')}`] : []),
  ]
}
