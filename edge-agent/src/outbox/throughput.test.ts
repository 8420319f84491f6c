import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Channel, emptyEdgeCounts } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { openOutbox, outboxSchema, sqliteStorage } from './index.ts'

const channels: Channel[] = [{ name: 'x', kind: 'number', datatype: 'Int32', unit: '1' }]

/** The target is 100,000 a second on a quiet disk; asserted loosely, as machines that run tests are busy. */
test('commits many readings a second durably', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-outbox-'))
  const outbox = await openOutbox(sqliteStorage(join(folder, 'o.sqlite')), outboxSchema.parse({}), {
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
  })
  const devices = Array.from({ length: 10 }, (_, i) => `d${i}`)
  await Promise.all(devices.map((device) => outbox.declare(device, channels)))
  let readings = 0
  let commits = 0
  const start = performance.now()
  while (performance.now() - start < 1000) {
    const t = Array.from({ length: 100 }, (_, i) => 1_700_000_000_000 + commits * 100 + i)
    const columns = { channels: { x: { t, v: t.map((ms) => ms % 977) } }, waves: {} }
    const counts = { ...emptyEdgeCounts(), read: [100, 0] as [number, number] }
    expect(await outbox.commit(devices.map((device) => ({ device, columns, bad: [], counts })))).toBe(true)
    readings += 100 * devices.length
    commits++
  }
  const perSecond = Math.round((readings / (performance.now() - start)) * 1000)
  console.log(`outbox: ${perSecond.toLocaleString('en')} durable readings a second, in batches of 100, ${commits} commits`)
  await outbox.close()
  rmSync(folder, { recursive: true, force: true })
  expect(perSecond).toBeGreaterThan(10_000)
})
