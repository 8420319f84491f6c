import { type createLog, createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { createCounts } from './counts.ts'
import { RefusalAudit } from './refusal-audit.ts'
import { closed, startTestBroker } from './testing/test-broker.ts'

test('counts by reason, user and address, the newest first, and forgets the one refused longest ago', () => {
  const audit = new RefusalAudit(2)
  audit.add('publish-forbidden', { user: 'a', address: '10.0.0.1', topic: 'x' }, 1)
  audit.add('publish-forbidden', { user: 'b', address: '10.0.0.1', topic: 'y' }, 2)
  audit.add('publish-forbidden', { user: 'a', address: '10.0.0.1', topic: 'z' }, 3)
  expect(audit.list()).toMatchObject([
    { user: 'a', topic: 'z', count: 2, firstMs: 1, lastMs: 3 },
    { user: 'b', count: 1 },
  ])
  audit.add('bad-credentials', { user: 'c', address: '10.0.0.1' }, 4)
  expect(audit.list().map(({ user }) => user)).toEqual(['c', 'a'])
  expect(audit.forgotten).toBe(1)
})

test('a stranger with ever new names fills neither the audit nor the log', () => {
  const lines: object[] = []
  const log = { ...silentLog, warn: (_text: string, detail?: object) => void lines.push(detail ?? {}) }
  const counts = createCounts({ log: log as ReturnType<typeof createLog>, metrics: createMetrics(), clock: systemClock })
  for (let i = 0; i < 5_000; i++) counts.refused('bad-credentials', { user: `u${i}${'x'.repeat(10_000)}`, address: '10.0.0.1' })
  expect(counts.audit.size).toBe(1_000)
  expect(JSON.stringify(counts.audit.list()).length).toBeLessThan(400_000)
  expect(lines).toHaveLength(10)
  expect(counts.stats().refused).toEqual({ 'bad-credentials': 5_000 })
})

test('the running broker says who was refused what', async () => {
  const broker = await startTestBroker()
  const node = await broker.connect('node', { clientId: 'one' })
  await node.subscribeAsync('private/#').catch(() => {})
  const gone = closed(node)
  node.publish('private/x', 'x')
  await gone
  await expect(broker.connect('node', { password: 'wrong' })).rejects.toThrow()
  expect(broker.refused()).toMatchObject([
    { reason: 'bad-credentials', user: 'node', address: '127.0.0.1', count: 1 },
    { reason: 'publish-forbidden', user: 'node', address: '127.0.0.1', clientId: 'one', topic: 'private/x', count: 1 },
    { reason: 'subscribe-forbidden', user: 'node', address: '127.0.0.1', clientId: 'one', filter: 'private/#', count: 1 },
  ])
  await broker.close()
})

test('one user holds no more than its share of clients, and its sessions go first', async () => {
  const broker = await startTestBroker({ clientsPerUser: 2, sessions: 3 })
  await broker.connect('device')
  await broker.connect('device')
  await expect(broker.connect('device')).rejects.toMatchObject({ code: 3 })
  expect((await broker.connect('node')).connected).toBe(true)
  expect(broker.stats().refused).toEqual({ 'user-full': 1 })
  const keep = async (user: string, clientId: string) => {
    const client = await broker.connect(user, { clientId, clean: false })
    await client.subscribeAsync('spBv1.0/STATE/+', { qos: 1 })
    await client.endAsync()
  }
  await keep('node', 'quiet')
  for (const clientId of ['a', 'b', 'c', 'd']) await keep('other', clientId)
  const back = await broker.connect('node', { clientId: 'quiet', clean: false })
  expect(broker.stats().sessions).toBe(3)
  expect(broker.stats().dropped).toEqual({ 'session-forgotten': 0 })
  await back.endAsync()
  await broker.close()
})
