import { createMetrics, MillraceError, silentLog } from '@millrace/platform'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { influxStoreSchema } from './config.ts'
import type { Dialect } from './dialects/index.ts'
import { createEngine, type Engine, HttpFailure } from './engine.ts'
import { linesOf } from './lines.ts'
import { createSender } from './send.ts'

/** An engine that refuses a request with a bad line in it, and takes the others. */
function refusing(isBad: (line: string) => boolean, more = {}) {
  const taken = new Set<string>()
  let requests = 0
  const engine = {
    config: influxStoreSchema.parse(more),
    async write(_: string, bytes: Buffer) {
      requests++
      const lines = bytes.toString().trimEnd().split('\n')
      if (lines.some(isBad)) throw new HttpFailure(400, 'a bad line')
      for (const line of lines) taken.add(line)
    },
  } as unknown as Engine
  const dialect = { writePath: '/write', isRefusal: ({ status }: HttpFailure) => status === 400 } as Dialect
  const sender = createSender(engine, dialect, { log: silentLog, metrics: createMetrics() })
  return { sender, taken, requests: () => requests }
}

const texts = (count: number) => Array.from({ length: count }, (_, k) => `line ${k}`)

test('finds the bad lines, and takes all others, in about 2 log2(n) requests for each', async () => {
  const bad = new Set(['line 17', 'line 2500', 'line 4999'])
  const { sender, taken, requests } = refusing((line) => bad.has(line))
  const refused = await sender.send(linesOf(texts(5000)))
  expect(refused.map(({ line }) => line).sort((a, b) => a - b)).toEqual([17, 2500, 4999])
  expect(taken.size).toBe(4997)
  expect(requests()).toBeLessThan(3 * 2 * Math.ceil(Math.log2(5000)))
})

test('takes or refuses each line once, whatever is bad and however large a request may be', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.nat(299), { maxLength: 20 }),
      fc.integer({ min: 1, max: 100 }),
      async (count, bad, batchLines) => {
        const isBad = (line: string) => bad.includes(Number(line.slice(5)))
        const { sender, taken } = refusing(isBad, { batchLines, batchBytes: 1024, bisectRequestsMax: 10_000 })
        const refused = await sender.send(linesOf(texts(count)))
        expect(refused.map(({ line }) => line).sort((a, b) => a - b)).toEqual(
          [...new Set(bad)].filter((line) => line < count).sort((a, b) => a - b),
        )
        expect(taken.size + refused.length).toBe(count)
      },
    ),
  )
})

test('spends no more requests on bad lines than it may, and gives the rest up together', async () => {
  const { sender, requests } = refusing(() => true, { bisectRequestsMax: 50 })
  expect(await sender.send(linesOf(texts(5000)))).toHaveLength(5000)
  expect(requests()).toBeLessThan(70)
})

test('gives up, to try all of it again, when the engine is not able', async () => {
  const engine = {
    config: influxStoreSchema.parse({}),
    write: async () => Promise.reject(new HttpFailure(503, 'busy')),
  } as unknown as Engine
  const dialect = { writePath: '/write', isRefusal: ({ status }: HttpFailure) => status === 400 } as Dialect
  const sender = createSender(engine, dialect, { log: silentLog, metrics: createMetrics() })
  const failure = await sender.send(linesOf(['line'])).catch((error) => error)
  expect(failure).toBeInstanceOf(MillraceError)
  expect(failure).toMatchObject({ code: 'STORE_WRITE', retry: true })
})

test('refuses an engine that is not on loopback without TLS', () => {
  const config = (more: object) => influxStoreSchema.parse(more)
  expect(() => createEngine(config({ url: 'http://tsdb.example:8086' }))).toThrow('STORE_INSECURE')
  for (const allowed of [
    { url: 'https://tsdb.example:8086' },
    { url: 'http://tsdb.example:8086', insecure: true },
    { url: 'http://127.0.0.1:8086' },
    { url: 'http://[::1]:8086' },
    { url: 'http://localhost:8086' },
  ])
    createEngine(config(allowed)).close()
})
