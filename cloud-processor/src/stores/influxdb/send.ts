/**
 * Lines to the engine, a request at a time. A request that is refused for good is cut in two until the bad lines are alone, so
 * that one bad point never holds up its neighbours: about 2 log2(n) requests for each, up to a bound.
 */
import { type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import type { Dialect } from './dialects/index.ts'
import { type Engine, HttpFailure } from './engine.ts'
import type { Lines } from './lines.ts'

export interface RefusedLine {
  line: number
  detail: string
}

/** Lines of a request that was refused, and why. */
interface Cut {
  from: number
  to: number
  detail: string
}

export interface Sender {
  /** Resolves when the engine has acknowledged all lines but those returned. @throws MillraceError STORE_WRITE when a retry may help */
  send(lines: Lines): Promise<RefusedLine[]>
}

export function createSender(engine: Engine, dialect: Dialect, { log, metrics }: { log: Logger; metrics: Metrics }): Sender {
  const { batchLines, batchBytes, bisectRequestsMax, url } = engine.config
  const requests = metrics.counter('millrace_store_requests_total', 'Write requests to the store’s engine, by how they ended')
  const written = metrics.counter('millrace_store_lines_total', 'Points that the store’s engine acknowledged')

  async function post(lines: Lines, from: number, to: number): Promise<string | undefined> {
    try {
      await engine.write(dialect.writePath, lines.bytes(from, to))
      requests.add({ result: 'written' })
      written.add({}, to - from)
      return undefined
    } catch (cause) {
      if (cause instanceof HttpFailure && dialect.isRefusal(cause)) {
        requests.add({ result: 'refused' })
        return cause.body.slice(0, 500)
      }
      requests.add({ result: 'failed' })
      throw new MillraceError('STORE_WRITE', { path: url, detail: cause instanceof Error ? cause.message : `${cause}` }, cause)
    }
  }

  async function bisect(lines: Lines, { from, to, detail }: Cut, left: { requests: number }): Promise<RefusedLine[]> {
    if (to - from === 1) return [{ line: from, detail }]
    if (left.requests <= 0) {
      log.warn('too many bad points to tell them apart: their neighbours are rejected with them', { points: to - from, detail })
      return Array.from({ length: to - from }, (_, k) => ({ line: from + k, detail }))
    }
    const refused: RefusedLine[] = []
    const middle = (from + to) >> 1
    for (const [start, end] of [
      [from, middle],
      [middle, to],
    ] as const) {
      left.requests--
      const why = await post(lines, start, end)
      if (why !== undefined) refused.push(...(await bisect(lines, { from: start, to: end, detail: why }, left)))
    }
    return refused
  }

  return {
    async send(lines) {
      const refused: RefusedLine[] = []
      const left = { requests: bisectRequestsMax }
      for (let from = 0, to = 0; from < lines.count; from = to) {
        to = Math.min(lines.count, from + batchLines)
        while (to - from > 1 && lines.bytes(from, to).length > batchBytes) to = (from + to) >> 1
        const why = await post(lines, from, to)
        if (why !== undefined) refused.push(...(await bisect(lines, { from, to, detail: why }, left)))
      }
      return refused
    },
  }
}
