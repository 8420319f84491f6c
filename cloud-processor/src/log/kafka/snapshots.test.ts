import { randomBytes } from 'node:crypto'
import { systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import type { LogRecord } from '../log.ts'
import type { Chunk, Fetched, KafkaClient, KafkaRecord } from './client.ts'
import { createSnapshots } from './snapshots.ts'

/** One compacted partition, in memory; `times` is how often each record gets into it. */
function createTopic(times: number) {
  const records: LogRecord[] = []
  const at = { topic: 'snapshots', partition: 0 }
  const chunk: Partial<Chunk> = {
    decode: (_from, out) => void out.push(...records),
    get next() {
      return records.length
    },
  }
  const client: Partial<KafkaClient> = {
    leader: () => 1,
    fetch: async (_node, _lane, [want]) => [{ ...at, chunks: want!.from < records.length ? [chunk] : [] } as Fetched],
  }
  const append = async (_at: unknown, given: KafkaRecord[]) => {
    for (let time = 0; time < times; time++)
      for (const { key, value } of given)
        records.push({ offset: records.length, key, timeMs: 1, value: value ?? new Uint8Array() } as LogRecord)
    return 0
  }
  const persistence = { clock: systemClock, deadlineMs: 0, refresh: async () => {}, isClosed: () => false }
  const open = () =>
    createSnapshots({ client: client as KafkaClient, topic: 'snapshots', logId: 'log', persistence, append, now: () => 2 })
  return { records, open }
}

const large = randomBytes(1_500_000)
const small = randomBytes(10)

test.each([1, 2])(
  'gives the newest whole state, and removes all parts of the older ones: each part there %s times',
  async (times) => {
    const { records, open } = createTopic(times)
    await open().save('rules', 0, { next: 5, state: large })
    await open().save('rules', 0, { next: 9, state: small })
    const last = open()
    expect(await last.load('rules', 0)).toMatchObject({ next: 9, state: small })
    await last.save('rules', 0, { next: 12, state: large })
    await new Promise((resolve) => setImmediate(resolve))
    const removed = new Set(records.filter(({ value }) => value.length === 0).map(({ key }) => key))
    const written = new Set(records.filter(({ key }) => /\/(5|9)\//.test(key)).map(({ key }) => key))
    expect(removed).toEqual(written)
  },
)
