import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Channel, emptyEdgeCounts, type GapRecord } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterAll, expect, test } from 'vitest'
import { type Outbox, openOutbox, outboxSchema, sqliteStorage } from '../outbox/index.ts'
import { spool } from './spool.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-spool-'))
const argv = process.argv
afterAll(() => {
  process.argv = argv
  rmSync(folder, { recursive: true, force: true })
})

const channels: Channel[] = [
  { name: 'temperature', kind: 'number', datatype: 'Int32', unit: 'Cel', scale: 0.5 },
  { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 },
]

async function open(): Promise<Outbox> {
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  const outbox = await openOutbox(sqliteStorage(join(folder, 'outbox.sqlite')), outboxSchema.parse({ freeDiskMin: 0 }), context)
  for (const device of ['a', 'b']) await outbox.declare(device, channels)
  return outbox
}

const drained = (device: string, t: number) => ({
  device,
  columns: { channels: { temperature: { t: [t, t + 1], v: [41, 42] } }, waves: { pleth: [{ t, i: 10, v: [1, 2, 3] }] } },
  bad: [],
  counts: { ...emptyEdgeCounts(), read: [2, 3] as [number, number] },
})

async function ask(...args: string[]): Promise<string> {
  process.argv = ['node', 'millrace-agent', 'spool', ...args]
  let text = ''
  await spool(
    () => folder,
    (more) => {
      text += more
    },
  )
  return text
}

const lines = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

test('lists, exports and drops what waits and what was set aside, and refuses while an agent runs', async () => {
  await expect(ask('list')).rejects.toMatchObject({ code: 'AGENT_SPOOL_ABSENT' })
  const outbox = await open()
  for (let k = 0; k < 3; k++) await outbox.commit([drained('a', 1000 * k), drained('b', 1000 * k)])
  const [first] = outbox.next('live', 1)
  outbox.take(first!)
  await outbox.setAside(first!)
  await expect(ask('list')).rejects.toMatchObject({ code: 'AGENT_SPOOL_IN_USE' })
  await outbox.close()

  const list = await ask('list')
  expect(list).toContain('a: 2 batches, 4 readings, 6 samples')
  expect(list).toContain('b: 3 batches, 6 readings, 9 samples')
  expect(list).toContain(`1: ${outbox.stream}/1 a, 2 readings, 3 samples`)

  const [aside, ...others] = lines(await ask('export'))
  expect(others).toEqual([])
  expect(aside).toMatchObject({
    id: 1,
    setAside: true,
    device: 'a',
    channels: { temperature: { unit: 'Cel', t: [0, 1], v: [20.5, 21] } },
    waves: { pleth: [{ t: 0, i: 10, v: [1, 2, 3] }] },
  })
  expect(lines(await ask('export', '--what', 'waiting', '--device', 'b')).map(({ number }) => number)).toEqual([2, 5, 7])

  expect(await ask('drop')).toContain('Would drop: 1 set aside, 0 waiting. Add --yes')
  expect(await ask('drop', '--yes')).toContain('Dropped: 1 set aside, 0 waiting')
  expect(await ask('drop', '--what', 'waiting', '--device', 'b', '--yes')).toContain('Dropped: 0 set aside, 3 waiting')
  const after = await ask('list')
  expect(after).toContain('set aside:\n  none')
  expect(after).not.toContain('b:')
  expect(after).toContain('a: 2 batches')

  const again = await open()
  await again.issueGap()
  const gaps = await again.load(again.next('live', 100).filter(({ kind }) => kind === 'gap'))
  const told = [...gaps.values()].map((content) => JSON.parse('text' in content ? content.text : '') as GapRecord)
  expect(told.find(({ devices }) => devices.b)).toMatchObject({ stream: outbox.stream, devices: { b: [{ lost: [6, 9] }] } })
  await again.close()
})
