/** Times that a person names. */
import { parseIsoTime } from '@millrace/cloud-processor/prepare'
import type { Stretch } from './timeline.ts'

/** A day alone is its beginning, UTC. @throws Error that names the value and how it is written. */
export function timeOf(name: string, text: string): number {
  const time = parseIsoTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00Z` : text)
  if (time?.offsetMinutes === undefined)
    throw new Error(`${name} ${text} is not a time with its zone: write 2026-11-29T08:00:00Z, or 2026-11-29.`)
  return time.fieldsMs - time.offsetMinutes * 60_000
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
