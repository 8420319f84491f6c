import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lookupAllowed, silentLog, systemClock } from '@millrace/platform'
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

test('a link-local or metadata address is refused, as it is written or as a name means it, unless it is allowed', async () => {
  const parse = (url: string, more = {}) => webhook.schema.safeParse({ kind: 'webhook', url, ...more }).success
  for (const host of [
    '169.254.169.254',
    '2852039166',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[::ffff:169.254.1.1]',
    'metadata.google.internal',
  ]) {
    expect(parse(`http://${host}/latest`), host).toBe(false)
    expect(parse(`http://${host}/latest`, { allowLinkLocal: true }), host).toBe(true)
  }
  const resolve = ((_: string, __: object, done: (error: null, addresses: object[]) => void) =>
    done(null, [
      { address: '93.184.216.34', family: 4 },
      { address: '169.254.169.254', family: 4 },
    ])) as never
  const failed = await new Promise<Error | null>((done) =>
    lookupAllowed({ allowLinkLocal: false, allowInside: true }, resolve)('innocent.example', {}, (error) => done(error)),
  )
  expect(failed?.message).toContain('innocent.example is the link-local address 169.254.169.254')
})

test('a public name that means an address inside the network is refused, and taken where that is allowed', async () => {
  const resolve = ((_: string, __: object, done: (error: null, addresses: object[]) => void) =>
    done(null, [{ address: '10.0.0.7', family: 4 }])) as never
  const lookedUp = (name: string, allowInside: boolean) =>
    new Promise<string>((done) =>
      lookupAllowed({ allowLinkLocal: false, allowInside }, resolve)(name, {}, (error, address) =>
        done(error?.message ?? `${address}`),
      ),
    )
  expect(await lookedUp('alerts.example.com', false)).toContain('set allowInside: true')
  expect(await lookedUp('alerts.example.com', true)).toBe('10.0.0.7')
  expect(await lookedUp('alertmanager', false)).toBe('10.0.0.7')
})

test('a redirect is not followed', async () => {
  const other = await receiver()
  const server = await startReceiver((_: Message, response) => response.writeHead(307, { location: other.url }).end())
  open.push(server.close)
  const config = webhook.schema.parse({ kind: 'webhook', url: server.url })
  const notifier = webhook.create(config, { target: 'w', clock: systemClock, log: silentLog })
  await expect(notifier.send(exampleNotification({}), new AbortController().signal)).rejects.toMatchObject({
    code: 'NOTIFY_UNREACHABLE',
  })
  expect(other.messages).toEqual([])
})

test('a token goes to another machine by TLS only, unless that is said', () => {
  const parse = (more: object) => webhook.schema.safeParse({ kind: 'webhook', url: 'http://pager.example/', ...more }).success
  expect([parse({}), parse({ tokenFile: '/t' }), parse({ tokenFile: '/t', insecure: true })]).toEqual([true, false, true])
  expect(parse({ url: 'https://pager.example/', tokenFile: '/t' })).toBe(true)
})
