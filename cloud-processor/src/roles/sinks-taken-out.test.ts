import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { processorSchema } from '../config.ts'
import { type Log, openEmbeddedLog } from '../log/index.ts'
import type { Sink } from '../sinks/index.ts'
import type { NamedSink } from './context.ts'
import { forgetSinks, sinkRoles } from './sinks.ts'

const bytesMax = 100_000
let dir: string
let log: Log
const taken: number[] = []
const sink: Sink = {
  topics: [topics.alarms],
  isIdempotent: true,
  write: async (_log, _topic, _partition, records) => {
    for (const { offset } of records) taken.push(offset)
    return []
  },
  close: async () => {},
}
const documents = [{ name: 'documents', stage: 'documents' as const, sink }]
const named = [{ name: 'sink-ward', stage: 'sinks' as const, sink }]

beforeEach(async () => {
  taken.length = 0
  dir = mkdtempSync(join(tmpdir(), 'millrace-documents-'))
  const retention = { alarms: { bytesMax }, raw: { bytesMax }, timeline: { bytesMax }, rejected: { bytesMax } }
  log = await openEmbeddedLog({ path: join(dir, 'log'), retention }, { log: silentLog, metrics: createMetrics() })
})
afterEach(async () => {
  await log.close()
  rmSync(dir, { recursive: true })
})

const context = (sinks: NamedSink[]) => ({
  log,
  clock: systemClock,
  logger: silentLog,
  metrics: createMetrics(),
  config: processorSchema.parse({}),
  sinks,
})
const start = async () => (await log.bounds(topics.alarms, 0)).start

async function fill(): Promise<void> {
  for (let n = 0; n < 8; n++) await log.append(topics.alarms, 0, [{ key: '', value: randomBytes(60_000) }])
  await log.trim()
}

async function runUntil(sinks: NamedSink[], isDone: () => boolean): Promise<void> {
  const run = sinkRoles(context(sinks))[0]!.start(0)
  for (const endMs = Date.now() + 8000; !isDone() && Date.now() < endMs; ) await new Promise((resolve) => setTimeout(resolve, 10))
  await run.stop()
}

test.each([
  ['documents', documents, named],
  ['a named sink', named, documents],
])(
  '%s that was taken out of the configuration holds the log no longer, and goes on from what is left',
  async (_, sinks, others) => {
    let looks = 0
    await runUntil(sinks, () => ++looks > 20)
    await fill()
    expect(await start(), 'it has not read them').toBe(0)
    await forgetSinks({ log, sinks })
    await log.trim()
    expect(await start(), 'it is still there').toBe(0)
    await forgetSinks({ log, sinks: others })
    await log.trim()
    const from = await start()
    expect(from).toBeGreaterThan(4)
    await runUntil(sinks, () => taken.includes(7))
    expect(taken[0]).toBe(from)
    expect(taken.at(-1)).toBe(7)
  },
)
