import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyEdgeCounts } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { observeStorage } from './observe.ts'
import { type MemoryStorage, memoryStorage, openOutbox, outboxSchema } from './outbox/index.ts'

const columns = { channels: { spo2: { t: [1000, 1010], v: [97, 98] } }, waves: { pleth: [{ t: 1000, i: 10, v: [1, 2] }] } }
const drained = { device: 'bed-1', columns, bad: [], counts: emptyEdgeCounts() }
const channels = [
  { name: 'spo2', kind: 'number' as const, datatype: 'Int16' as const, unit: '%' },
  { name: 'pleth', kind: 'waveform' as const, datatype: 'Int16Array' as const, unit: '1', intervalMs: 10 },
]

/** Runs over a storage with an observer, and gives what that was told. */
async function told(
  storage: MemoryStorage,
  run: (outbox: Awaited<ReturnType<typeof openOutbox>>) => Promise<unknown>,
): Promise<Record<string, unknown>[]> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-observe-'))
  const fd = openSync(join(dir, 'told'), 'w')
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  const outbox = await openOutbox(observeStorage(storage, fd, systemClock), outboxSchema.parse({ releaseMs: 1 }), context)
  await outbox.declare('bed-1', channels)
  await run(outbox)
  closeSync(fd)
  const text = readFileSync(join(dir, 'told'), 'utf8')
  rmSync(dir, { recursive: true })
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('tells each batch by its channels once it is durable, and what is freed by its name', async () => {
  const lines = await told(memoryStorage(), async (outbox) => {
    await outbox.commit([drained])
    outbox.release(outbox.next('live', 1))
    await outbox.close()
  })
  const [opened, data, ...rest] = lines
  expect(opened).toMatchObject({ k: 'opened', held: [] })
  expect(data).toMatchObject({ k: 'data', number: 1, device: 'bed-1', ...columns })
  expect(rest).toContainEqual(expect.objectContaining({ k: 'freed', entries: [[data!.stream, 1]] }))
})

test('tells nothing of a batch that the disk refused, and at the next start what is still held', async () => {
  const storage = memoryStorage()
  const lines = await told(storage, async (outbox) => {
    storage.fault = 'AGENT_OUTBOX_IO'
    await outbox.commit([drained])
    await outbox.close()
  })
  storage.fault = undefined
  expect(lines.map(({ k }) => k)).toEqual(['opened'])
  const first = await told(storage, (outbox) => outbox.commit([drained]))
  const data = first.find(({ k }) => k === 'data')!
  const again = await told(storage, async () => {})
  expect(again[0]!.held).toContainEqual([data.stream, data.number, 'data'])
})
