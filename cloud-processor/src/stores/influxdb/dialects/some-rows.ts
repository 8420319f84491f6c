/**
 * The first or the newest rows out of a long time, from an engine that reads and sends all of whatever time it is asked about.
 * A window is looked for that holds about as many points as are wanted: counting them costs such an engine little, and nothing is sent.
 */
import type { Row, RowQuery } from './dialect.ts'

export interface Windows {
  /** The shortest time that two rows can be apart, microseconds. */
  resolutionUs: number
  /** So many points are read in any case: to look for a shorter window would cost more questions. */
  cheapPoints?: number
  /** Points, of all fields: at least as many as rows. */
  count(query: RowQuery): Promise<number>
  /** All of them, in order of time. */
  all(query: RowQuery): Promise<Row[]>
}

/**
 * The first window: as long as the wanted rows last at one a second, within these. A waveform of 250 Hz has a million samples in
 * an hour, and to count them costs an engine a tenth of a second: a question for one row must not be about an hour.
 */
const secondUs = 1_000_000
const [shortestUs, longestUs] = [10 * secondUs, 3600 * secondUs]
/** A window may hold so many times what is wanted. */
const enough = 4
/** From an empty window to the next. */
const leap = 16

/** At least as many times as are wanted, or all; in order of time. */
export async function someRows(query: RowQuery, windows: Windows): Promise<Row[]> {
  const { limit, newestFirst } = query
  const wanted = newestFirst ?? limit
  if (wanted === undefined || (query.toUs - query.fromUs) / windows.resolutionUs < wanted) return windows.all(query)
  const isBackward = newestFirst !== undefined
  let { fromUs, toUs } = query
  let parts: Row[][] = []
  let missing = wanted
  let windowUs = Math.max(Math.min(Math.max(shortestUs, secondUs * wanted), longestUs), windows.resolutionUs * wanted)
  while (missing > 0 && fromUs <= toUs) {
    const window = isBackward
      ? { ...query, fromUs: Math.max(fromUs, toUs - windowUs + 1), toUs }
      : { ...query, fromUs, toUs: Math.min(toUs, fromUs + windowUs - 1) }
    const points = await windows.count(window)
    const most = Math.max(windows.cheapPoints ?? 0, enough * missing)
    if (points > most && windowUs > windows.resolutionUs * missing) {
      windowUs = Math.max(windows.resolutionUs * missing, Math.floor((windowUs * most) / points / 2))
      continue
    }
    if (points > 0) {
      const rows = await windows.all(window)
      parts = isBackward ? [rows, ...parts] : [...parts, rows]
      missing -= timesIn(rows)
    }
    windowUs = points === 0 ? windowUs * leap : Math.ceil(windowUs * Math.min(leap, (missing + 1) / points) * 1.5)
    windowUs = Math.max(windowUs, windows.resolutionUs)
    if (isBackward) toUs = window.fromUs - 1
    else fromUs = window.toUs + 1
  }
  return parts.flat()
}

function timesIn(rows: Row[]): number {
  let times = 0
  for (let k = 0; k < rows.length; k++) if (rows[k]!.us !== rows[k - 1]?.us) times++
  return times
}
