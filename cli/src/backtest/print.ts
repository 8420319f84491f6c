/** Figures of a backtest for people. */
import type { Counted } from './backtest.ts'
import type { Figures } from './figures.ts'

/** `--json` has all of them. */
const devicesMax = 20

export function printFigures({ fromMs, toMs, warmUp }: Counted, { rules, devices, load }: Figures): string {
  const ruleRows = rules.map((one) => [
    one.rule,
    ...[one.alarms, one.perDay].map(String),
    ...[spanOf(one.medianMs), spanOf(one.longestMs)],
    ...[one.open, one.held, one.late].map(String),
  ])
  const deviceRows = devices
    .slice(0, devicesMax)
    .map(({ device, subject, alarms, perDay, rules }) => [
      ...[device, subject, `${alarms}`, `${perDay}`],
      rules.map(({ rule, alarms }) => `${rule} ${alarms}`).join(', '),
    ])
  const left = devices.length - deviceRows.length
  const most = load.mostFromMs === undefined ? '' : `, from ${isoOf(load.mostFromMs)}`
  return [
    `${isoOf(fromMs)} to ${isoOf(toMs)}. ${warmUp}`,
    '',
    ...tableOf([['rule', 'alarms', 'a day', 'median', 'longest', 'open', 'held', 'late'], ...ruleRows], 1),
    '',
    ...(devices.length === 0 ? [] : [...tableOf([['device', 'subject', 'alarms', 'a day', 'by rule'], ...deviceRows], 2), '']),
    ...(left > 0 ? [`${left} more devices: --json`, ''] : []),
    `${load.perHour} alarms an hour; most in an hour: ${load.mostInHour}${most}`,
  ].join('\n')
}

export const isoOf = (atMs: number) => new Date(atMs).toISOString()

export function spanOf(ms: number | null): string {
  if (ms === null) return '-'
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`
  return ms < 7_200_000 ? `${Math.round(ms / 6000) / 10} min` : `${Math.round(ms / 360_000) / 10} h`
}

/** @param words so many first columns, and a column `by rule`, are aligned left. */
export function tableOf(rows: string[][], words: number): string[] {
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)))
  const isLeft = (k: number) => k < words || rows[0]![k] === 'by rule'
  return rows.map((row) =>
    row
      .map((text, k) => (isLeft(k) ? text.padEnd(widths[k]!) : text.padStart(widths[k]!)))
      .join('  ')
      .trimEnd(),
  )
}
