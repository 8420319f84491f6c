/** Times that a person names. */
import type { Stretch } from './timeline.ts'

const pattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/

/** @throws Error that names the value and how it is written. */
export function timeOf(name: string, text: string): number {
  const atMs = pattern.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs))
    throw new Error(`${name} ${text} is not a time with its zone: write 2026-11-29T08:00:00Z, or 2026-11-29.`)
  return atMs
}

/** Date.parse takes the 31st of February for the 3rd of March. */
function isDay(day: string): boolean {
  const at = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day)
}

/** From `--from` on and before `--to`. */
export function stretchOf({ from, to }: { from?: string | undefined; to?: string | undefined }): Stretch {
  const stretch = {
    fromMs: from === undefined ? undefined : timeOf('--from', from),
    toMs: to === undefined ? undefined : timeOf('--to', to),
  }
  if (stretch.fromMs !== undefined && stretch.toMs !== undefined && stretch.fromMs >= stretch.toMs)
    throw new Error(`--from ${from} is not before --to ${to}. Name the earlier time with --from.`)
  return stretch
}
