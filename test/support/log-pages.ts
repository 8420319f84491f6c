/** A topic of the log, read page by page through the API. */
import type { Api } from 'millrace'

export type LogLine = Awaited<ReturnType<Api['log']>>['records'][number]

/** From an offset on to another, or to the end as it is now. */
export async function readTopic(api: Api, topic: string, from = 0, to = Number.POSITIVE_INFINITY): Promise<LogLine[]> {
  const all: LogLine[] = []
  for (let next = from; ; ) {
    const { records } = await api.log(topic, 0, next)
    for (const record of records) if (record.offset < to) all.push(record)
    if (records.length === 0 || records.at(-1)!.offset >= to - 1) return all
    next = records.at(-1)!.offset + 1
  }
}

/** The next offset to be given. */
export async function endOf(api: Api, topic: string): Promise<number> {
  return (await api.log(topic, 0, undefined)).end
}
