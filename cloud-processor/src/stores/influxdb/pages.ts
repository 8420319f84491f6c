/** Rows of a long time, a page at a time: of no question is the answer longer than it has to be. */
import type { Dialect, Row, RowQuery } from './dialects/index.ts'

/** A page is parsed at one go. */
const rowsInPageMax = 10_000

/** In order of time; all rows of one time are in one page. */
export async function* pagesOf(dialect: Dialect, query: RowQuery, rowsInPage = rowsInPageMax): AsyncGenerator<Row[]> {
  const limit = Math.max(2, Math.min(rowsInPage, rowsInPageMax))
  for (let { fromUs } = query; fromUs <= query.toUs; ) {
    const rows = await dialect.rows({ ...query, fromUs, limit })
    if (rows.length < limit) {
      if (rows.length > 0) yield rows
      return
    }
    // Of the last time there may be more rows behind the limit.
    const lastUs = rows.at(-1)!.us
    const whole = rows.findIndex(({ us }) => us === lastUs)
    yield whole > 0 ? rows.slice(0, whole) : await dialect.rows({ ...query, fromUs: lastUs, toUs: lastUs })
    fromUs = whole > 0 ? lastUs : lastUs + 1
  }
}
