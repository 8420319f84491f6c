import { silentLog, systemClock } from '@millrace/platform'
import { afterEach, expect, test } from 'vitest'
import { exampleNotification, testNotifier } from '../conformance.ts'
import { startReceiver } from '../testing/receiver.ts'
import { alertmanager } from './alertmanager.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function receiver(more: object = {}) {
  const server = await startReceiver()
  open.push(server.close)
  const config = alertmanager.schema.parse({ kind: 'alertmanager', url: server.url.replace('/hook', ''), ...more })
  const context = { target: config.name, clock: systemClock, log: silentLog, pageUrl: 'https://millrace.example/' }
  const notifier = alertmanager.create(config, context)
  return { notifier, messages: server.messages, keys: () => server.messages.map(({ body }) => body[0].annotations.key) }
}

testNotifier(alertmanager, { url: 'http://127.0.0.1:9/' }, receiver)

test('an alert has the labels of its alarm, and ends when it does', async () => {
  const { notifier, messages } = await receiver({ labels: { site: 'north' } })
  const signal = new AbortController().signal
  await notifier.send(exampleNotification(), signal)
  await notifier.send(exampleNotification({ change: 'cleared', active: false, clearedMs: 1_700_000_060_000 }), signal)
  const [raised, cleared] = messages.map(({ body }) => body[0])
  expect(raised.labels).toEqual({
    ...{ site: 'north', alertname: 'spo2-low', severity: 'high', subject: 'anna' },
    ...{ device: 'bed-1', channel: 'spo2', type: 'physiological' },
  })
  expect(Date.parse(raised.endsAt)).toBeGreaterThan(Date.now() + 86_000_000)
  expect(raised.generatorURL).toBe('https://millrace.example/#/alarms')
  expect(cleared).toMatchObject({ labels: raised.labels, startsAt: raised.startsAt, endsAt: '2023-11-14T22:14:20.000Z' })
})
