/** Looks for records of the log through the API, newest first. */
import type { Api, LogPage } from '../api.ts'

export type Line = LogPage['records'][number]

/** A record's place in the log. */
export interface Place {
  partition: number
  line: Line
}

const pageRecords = 1000
/** Of each partition; further back nobody looks. */
const recordsMax = 200_000

/** The newest record that is meant, of all partitions; undefined when it is not among the last `recordsMax`. */
export async function findNewest(api: Api, topic: string, isMeant: (line: Line) => boolean): Promise<Place | undefined> {
  let newest: Place | undefined
  for (const { partition, start, end } of await partitionsOf(api, topic)) {
    const line = await newestIn(api, { topic, partition, start, end }, isMeant)
    if (line && (!newest || line.timeMs > newest.line.timeMs)) newest = { partition, line }
  }
  return newest
}

async function newestIn(
  api: Api,
  { topic, partition, start, end }: { topic: string; partition: number; start: number; end: number },
  isMeant: (line: Line) => boolean,
): Promise<Line | undefined> {
  const first = Math.max(start, end - recordsMax)
  for (let to = end; to > first; to -= pageRecords) {
    const found = (await range(api, { topic, partition, from: Math.max(first, to - pageRecords), to })).findLast(isMeant)
    if (found) return found
  }
  return undefined
}

/** A page may be shorter than was asked for. */
export async function range(
  api: Api,
  { topic, partition, from, to }: { topic: string; partition: number; from: number; to: number },
): Promise<Line[]> {
  const all: Line[] = []
  for (let next = from; next < to; ) {
    const { records } = await api.log(topic, partition, next)
    all.push(...records.filter(({ offset }) => offset < to))
    if (records.length === 0) break
    next = records.at(-1)!.offset + 1
  }
  return all
}

export async function partitionsOf(api: Api, topic: string) {
  const { start, end } = await api.log(topic, 0, undefined)
  const all = [{ partition: 0, start, end }]
  for (;;) {
    const next = await api.log(topic, all.length, undefined).catch((error: Error) => {
      if (!/\b404\b/.test(error.message)) throw error
    })
    if (!next) return all
    all.push({ partition: all.length, start: next.start, end: next.end })
  }
}
