import { systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { type Fetched, type KafkaClient, KafkaFailure } from './client.ts'
import { createHeartbeats } from './heartbeats.ts'
import { chunkOf } from './record-batch/chunk.ts'
import { encodeRecords } from './record-batch/encode.ts'

const at = { topic: 'members', partition: 0 }

test.for(['OFFSET_OUT_OF_RANGE', 'CORRUPT_MESSAGE'])('goes on behind what it cannot read (%s)', async (name) => {
  let end = 3
  const unreadable: Fetched = { ...at, start: -1, end: -1, chunks: [], error: new KafkaFailure(name, false) }
  const heartbeat = chunkOf(encodeRecords('members', [{ key: '', value: Buffer.from('here') }], 0), 5, 1)
  const client: Partial<KafkaClient> = {
    leader: () => 1,
    offsets: async () => [end],
    fetch: async (_node, _purpose, [want]) => {
      if (want!.from > 5) await new Promise((resolve) => setTimeout(resolve, 10))
      return [want!.from === 3 ? unreadable : { ...at, start: 0, end, chunks: want!.from === 5 ? [heartbeat] : [] }]
    },
  }
  const refresh = async () => {
    end = 5
  }
  const heartbeats = createHeartbeats({
    client: client as KafkaClient,
    clock: systemClock,
    ...at,
    append: async () => 0,
    refresh,
  })
  const heard = await new Promise<Uint8Array>((resolve) => void heartbeats.onHeartbeat(resolve))
  heartbeats.stop()
  expect(`${heard}`).toBe('here')
})
