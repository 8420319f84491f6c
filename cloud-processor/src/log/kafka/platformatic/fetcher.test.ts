import { createRecordsBatch } from '@platformatic/kafka'
import { expect, test } from 'vitest'
import type { Cluster } from './cluster.ts'
import { fetchAt } from './fetcher.ts'
import type { FetchAnswers } from './requests.ts'

const at = { node: 1, purpose: 'tail', waitMs: 0 } as const
const want = (partition: number) => ({ topic: 't', partition, from: 0, bytesMax: 1000 })
const message = { topic: 't', partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1n }

test('a batch that cannot be read harms its own partition and no other', async () => {
  const good = createRecordsBatch([message], {} as never).buffer
  const ofNewFormat = Buffer.from(good).fill(3, 16, 17)
  const ofUnknownCompression = Buffer.from(good).fill(7, 22, 23)
  const withoutAZstdFrame = Buffer.from(good).fill(4, 22, 23)
  const all = [ofNewFormat, good, ofUnknownCompression, withoutAZstdFrame]
  const partitions = all.map((records, partition) => ({ topicId: 'id', partition, code: 0, start: 0, end: 1, records }))
  const cluster: Partial<Cluster> = {
    topicId: () => 'id',
    topicName: () => 't',
    atNode: async <T>() => ({ code: 0, partitions }) satisfies FetchAnswers as T,
  }
  const fetched = await fetchAt(
    cluster as Cluster,
    at,
    all.map((_, partition) => want(partition)),
  )
  expect(fetched.map(({ partition, chunks, error }) => [partition, chunks.length, error?.name])).toEqual([
    [0, 0, 'CORRUPT_MESSAGE'],
    [1, 1, undefined],
    [2, 0, 'CORRUPT_MESSAGE'],
    [3, 0, 'CORRUPT_MESSAGE'],
  ])
})
