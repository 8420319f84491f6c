import type { Clock } from '@millrace/platform'
import { MillraceError } from '@millrace/platform'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Fate, simulateKafka } from './testing/simulated-kafka.ts'
import { createWriter, type WriterOptions } from './writer.ts'

const seed = Date.now() % 1e9

/** Time passes only by pauses. */
function quickClock(): Clock {
  let now = 0
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, call) {
      const immediate = setImmediate(() => {
        now += ms
        call()
      })
      return () => clearImmediate(immediate)
    },
  }
}

function writerOn(kafka: ReturnType<typeof simulateKafka>, options: Partial<WriterOptions> = {}) {
  return createWriter({
    client: kafka.client,
    clock: quickClock(),
    batchBytesMax: 400,
    queueBytesMax: 1e9,
    deliveryMs: 2000,
    refresh: async () => {},
    onDurable() {},
    onFailure() {},
    toError: (failure) => new MillraceError('LOG_WRITE', { path: 'simulated', detail: failure.message }),
    ...options,
  })
}

const fates = fc.array(fc.constantFrom<Fate>('ok', 'ok', 'ok', 'request lost', 'answer lost', 'refused', 'too large'), {
  maxLength: 60,
})
const calls = fc.array(fc.record({ partition: fc.nat(2), count: fc.integer({ min: 1, max: 12 }) }), {
  minLength: 1,
  maxLength: 40,
})

test('whatever Kafka does: what is acknowledged is there once, in the order of the calls, and a call that failed has no part behind its failure', async () => {
  const property = fc.asyncProperty(fates, calls, async (fates, calls) => {
    const left = [...fates]
    const kafka = simulateKafka((batch) => {
      const fate = left.shift() ?? 'ok'
      return fate === 'too large' && batch.records.length === 1 ? 'ok' : fate
    })
    const writer = writerOn(kafka)
    const results = await Promise.allSettled(
      calls.map(({ partition, count }, call) =>
        writer.append(
          { topic: 't', partition },
          Array.from({ length: count }, (_, k) => ({ key: 'k', value: Buffer.from(`${call}.${k}`) })),
        ),
      ),
    )
    expect(writer.queuedBytes()).toBe(0)
    for (let partition = 0; partition < 3; partition++) {
      const found = kafka.topics.get(`t/${partition}`) ?? []
      expect(new Set(found).size).toBe(found.length)
      const order = found.map((text) => text.split('.').map(Number) as [number, number])
      expect(order).toEqual(order.toSorted(([a, i], [b, j]) => a - b || i - j))
      for (const [call, result] of results.entries()) {
        if (calls[call]!.partition !== partition) continue
        const parts = order.filter(([of]) => of === call).map(([, k]) => k)
        expect(parts).toEqual(parts.map((_, k) => k))
        if (result.status === 'rejected') continue
        expect(parts).toHaveLength(calls[call]!.count)
        expect(found[result.value]).toBe(`${call}.0`)
      }
    }
  })
  await fc.assert(property, { seed, numRuns: 300 })
})

test('gives up a batch after its time, and says so to its callers', async () => {
  const writer = writerOn(simulateKafka(() => 'request lost'))
  await expect(writer.append({ topic: 't', partition: 0 }, [{ key: 'k', value: Buffer.from('x') }])).rejects.toMatchObject({
    code: 'LOG_WRITE',
    retry: true,
  })
  await writer.idle()
})

test('calls that wait together go together, and partitions at the same time', async () => {
  const kafka = simulateKafka(() => 'ok')
  let batches = 0
  const writer = writerOn(kafka, { batchBytesMax: 1e6, onDurable: () => batches++ })
  const append = (n: number) => writer.append({ topic: 't', partition: n % 2 }, [{ key: 'k', value: Buffer.from(`${n}`) }])
  expect(await Promise.all(Array.from({ length: 100 }, (_, n) => append(n)))).toEqual(
    Array.from({ length: 100 }, (_, n) => n >> 1),
  )
  expect(batches).toBe(2)
  expect(kafka.mostInFlight()).toBe(2)
})

test('refuses more than may wait in memory, and everything once it ended', async () => {
  const writer = writerOn(
    simulateKafka(() => 'ok'),
    { queueBytesMax: 300 },
  )
  const append = () => writer.append({ topic: 't', partition: 0 }, [{ key: 'k', value: Buffer.alloc(150) }])
  const results = await Promise.allSettled([append(), append()])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  expect(results[1]).toMatchObject({ reason: { code: 'LOG_BUSY' } })
  const last = append()
  writer.end(new MillraceError('LOG_CLOSED', { path: 'simulated' }))
  await expect(last).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  await expect(append()).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  await writer.idle()
})
