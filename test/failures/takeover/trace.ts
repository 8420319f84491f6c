/** When something was in the log, told by the log itself. */
import type { Log } from '@millrace/cloud-processor/log'
import { type Topic, topics } from '@millrace/contract'

export type Place = { partition: number; from: number }

/** Where the partitions end now. */
export async function endsOf(log: Log, of: { raw: number; timeline: number; alarms: number }) {
  const end = async (topic: Topic, partition: number): Promise<Place> => ({
    partition,
    from: (await log.bounds(topic, partition)).end,
  })
  return {
    raw: await end(topics.raw, of.raw),
    timeline: await end(topics.timeline, of.timeline),
    alarms: await end(topics.alarms, of.alarms),
  }
}

/** When the first such record was appended; NaN when there is none. */
export async function firstRecord(
  log: Log,
  topic: Topic,
  { partition, from }: Place,
  isIt: (value: Uint8Array) => boolean,
): Promise<number> {
  for (let next = from; ; ) {
    const records = await log.read(topic, partition, next, { records: 1000, bytes: 8 << 20 })
    const found = records.find(({ value }) => isIt(value))
    if (found) return found.timeMs
    if (records.length === 0) return Number.NaN
    next = records.at(-1)!.offset + 1
  }
}
