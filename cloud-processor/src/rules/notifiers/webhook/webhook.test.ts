import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '@millrace/platform'
import { afterAll, afterEach, expect, test } from 'vitest'
import { exampleNotification, testNotifier } from '../conformance.ts'
import { type Message, startReceiver } from '../testing/receiver.ts'
import { webhook } from './webhook.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})
const folder = mkdtempSync(join(tmpdir(), 'millrace-webhook-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function receiver(status = 200, more: object = {}) {
  const server = await startReceiver((_: Message, response) => response.writeHead(status).end('answer'))
  open.push(server.close)
  const config = webhook.schema.parse({ kind: 'webhook', url: server.url, ...more })
  const notifier = webhook.create(config, { target: config.name, clock: systemClock, log: silentLog })
  return { ...server, notifier, send: (more = {}) => notifier.send(exampleNotification(more), new AbortController().signal) }
}

testNotifier(webhook, { url: 'http://127.0.0.1:9/hook' }, receiver)

test('the payload is Alertmanager’s, version 4', async () => {
  const { send, messages } = await receiver()
  await send()
  expect(messages[0]!.headers['content-type']).toBe('application/json')
  expect(messages[0]!.body).toMatchObject({
    version: '4',
    status: 'firing',
    receiver: 'webhook',
    truncatedAlerts: 0,
    commonLabels: { alertname: 'spo2-low', severity: 'high', device: 'bed-1', subject: 'anna' },
    alerts: [
      {
        status: 'firing',
        annotations: { summary: 'spo2 84 % below 88 % for 5 s', value: '84', unit: '%' },
        startsAt: '2023-11-14T22:13:20.000Z',
        endsAt: '0001-01-01T00:00:00Z',
      },
    ],
  })
  for (const key of ['groupKey', 'groupLabels', 'commonAnnotations', 'externalURL']) expect(messages[0]!.body).toHaveProperty(key)
})

test('an alarm’s end is resolved, under the same fingerprint and group', async () => {
  const { send, messages } = await receiver()
  await send()
  await send({ change: 'cleared', active: false, clearedMs: 1_700_000_060_000 })
  const [raised, cleared] = messages.map(({ body }) => body)
  expect(cleared).toMatchObject({ status: 'resolved', groupKey: raised.groupKey })
  expect(cleared.alerts[0]).toMatchObject({ endsAt: '2023-11-14T22:14:20.000Z', fingerprint: raised.alerts[0].fingerprint })
})

test.each([400, 401, 404, 422])('status %i is a refusal', async (status) => {
  await expect((await receiver(status)).send()).rejects.toMatchObject({ code: 'NOTIFY_REFUSED', retry: false })
})

test.each([302, 408, 429, 500, 503])('status %i is tried again', async (status) => {
  await expect((await receiver(status)).send()).rejects.toMatchObject({ code: 'NOTIFY_UNREACHABLE', retry: true })
})

test('nobody there is tried again, and the reason is in the text', async () => {
  const { send, close } = await receiver()
  await close()
  open.splice(0)
  await expect(send()).rejects.toThrow(/NOTIFY_UNREACHABLE.*ECONNREFUSED/)
})

test('a key that is not ASCII arrives percent-encoded', async () => {
  const { send, keys } = await receiver()
  await send({ id: 'low/Bett 1 ü/spo2/1' })
  expect(keys()).toEqual(['low/Bett%201%20%C3%BC/spo2/1#raised'])
})

test('the token is read from its file at every sending', async () => {
  const tokenFile = join(folder, 'token')
  const { send, messages } = await receiver(200, { tokenFile, headers: { 'x-ward': '3' } })
  for (const token of ['one', 'two\n']) {
    writeFileSync(tokenFile, token)
    await send()
  }
  expect(messages.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two'])
  expect(messages[0]!.headers['x-ward']).toBe('3')
})
