/** Durations and times to come that a person names. */
import { timeOf } from './backtest/times.ts'

const unitsMs = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** @throws Error that names the value and how it is written. */
export function durationMsOf(name: string, text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  const ms = Math.round(Number(amount) * (unitsMs.get(unit ?? '') ?? 0))
  if (!(ms > 0)) throw new Error(`${name} ${text} is not a duration: write 30m, 2h or 1d.`)
  return ms
}

/** One of the two. */
export function untilMsOf(
  { until, for: duration }: { until?: string | undefined; for?: string | undefined },
  nowMs: number,
): number {
  if ((until === undefined) === (duration === undefined)) throw new Error('Name either --until <time> or --for <duration>.')
  return until === undefined ? nowMs + durationMsOf('--for', duration!) : timeOf('--until', until)
}
