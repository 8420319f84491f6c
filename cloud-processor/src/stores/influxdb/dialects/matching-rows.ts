/**
 * Rows of which a field is large enough, out of a long time, from an engine that counts them and cannot send them alone: the time
 * is halved until a part holds few points, and a part that holds none of them is not read.
 */
import type { Row, RowQuery } from './dialect.ts'
import type { Windows } from './some-rows.ts'

export interface MatchingWindows extends Windows {
  /** Points that the query's `atLeast` takes. */
  matching(query: RowQuery): Promise<number>
}

/** All of them, with what else lies in the parts that were read; or more than `limit` of them, the first. */
export async function matchingRows(query: RowQuery, windows: MatchingWindows): Promise<Row[]> {
  const { atLeast, limit = Number.POSITIVE_INFINITY } = query
  const { field, value } = atLeast!
  const isWanted = ({ values }: Row) => Number(values[field]) >= value || Number(values[field]) === 0
  const found: Row[] = []
  const parts = [query]
  for (let part = parts.pop(); part && found.length <= limit; part = parts.pop()) {
    const { fromUs, toUs } = part
    if ((await windows.matching(part)) === 0) continue
    const isShort = toUs - fromUs < 2 * windows.resolutionUs
    if (isShort || (await windows.count(part)) <= (windows.cheapPoints ?? 0)) {
      for (const row of withRewritten(await windows.all(part), isWanted)) found.push(row)
      continue
    }
    const middleUs = fromUs + Math.floor((toUs - fromUs) / 2 / windows.resolutionUs) * windows.resolutionUs
    parts.push({ ...part, fromUs: middleUs }, { ...part, toUs: middleUs - 1 })
  }
  return found
}

/** A row that is wanted, and whatever has its time: what replaced it may not be wanted. */
function withRewritten(rows: Row[], isWanted: (row: Row) => boolean): Row[] {
  const times = new Set(rows.filter(isWanted).map(({ us }) => us))
  return rows.filter(({ us }) => times.has(us))
}
