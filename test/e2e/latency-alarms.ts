/**
 * Which alarms a rule `below` without delays must raise, worked out from the manifest alone, and how long each took from the
 * sensor's byte to the receiver.
 *
 * The n-th notification of a device belongs to the crossing of the limit that is nearest to its `raisedMs`: the sample clock
 * moves a sample a little from the moment when its frame was written.
 */
import type { Manifest } from '@millrace/simulators'

export interface Crossing {
  device: string
  /** When the first frame beyond the limit was written to the line. */
  writtenMs: number
  /** When the first frame back within it was written. */
  overMs: number
}

export interface Page {
  device: string
  raisedMs: number
  isRetrospective: boolean
  /** When the receiver had it. */
  arrivedMs: number
}

export interface Told extends Crossing {
  page?: Page
  /** Of the page, from the sensor's byte on. */
  latencyMs?: number
}

/** The sample clock moves a sample by less, also where a busy machine lets the line wait. */
const apartMsMax = 400

export function crossingsBelow(
  manifest: Manifest,
  channel: string,
  limit: number,
  isWatched: (device: string) => boolean,
): Crossing[] {
  const crossings: Crossing[] = []
  for (const [device, channels] of manifest.scalars) {
    const column = channels.get(channel)
    if (!column || !isWatched(device)) continue
    let open: Crossing | undefined
    for (const [k, value] of column.v.entries()) {
      const isBelow = (value as number) < limit
      if (isBelow && !open) {
        open = { device, writtenMs: column.t[k]!, overMs: Number.POSITIVE_INFINITY }
        crossings.push(open)
      } else if (!isBelow && open) {
        open.overMs = column.t[k]!
        open = undefined
      }
    }
  }
  return crossings.sort((a, b) => a.writtenMs - b.writtenMs)
}

/**
 * Every crossing with its page, where there is one; `continued`, the pages that came while the value was still beyond the limit
 * after a crossing that nobody saw live (a cut, the start); and the pages that belong to nothing.
 */
export function tell(crossings: Crossing[], pages: Page[]): { told: Told[]; continued: Page[]; strangers: Page[] } {
  const told: Told[] = crossings.map((crossing) => ({ ...crossing }))
  const byDevice = Map.groupBy(told, ({ device }) => device)
  const [continued, strangers]: Page[][] = [[], []]
  const next = new Map<string, number>()
  for (const page of pages.toSorted((a, b) => a.raisedMs - b.raisedMs)) {
    const mine = byDevice.get(page.device) ?? []
    let at = next.get(page.device) ?? 0
    while (at < mine.length && mine[at]!.writtenMs < page.raisedMs - apartMsMax) at++
    const crossing = mine[at]
    if (crossing && crossing.writtenMs <= page.raisedMs + apartMsMax) {
      Object.assign(crossing, { page, latencyMs: page.arrivedMs - crossing.writtenMs })
      at++
    } else {
      const isStill = mine.some(({ writtenMs, overMs }) => writtenMs <= page.raisedMs && page.raisedMs <= overMs + apartMsMax)
      ;(isStill ? continued : strangers)!.push(page)
    }
    next.set(page.device, at)
  }
  return { told, continued: continued!, strangers: strangers! }
}

/** The value that this part of them does not exceed. */
export function percentile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}
