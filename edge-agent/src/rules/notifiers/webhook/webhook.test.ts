import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { exampleMessage, testLocalNotifier } from '../conformance.ts'
import { webhook } from './webhook.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

async function receiver(status = 200) {
  const messages: { key: string | string[] | undefined; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      messages.push({ key: request.headers['idempotency-key'], body })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return { notifier: webhook.create(webhook.schema.parse({ kind: 'webhook', url })), messages, received: () => messages.length }
}

testLocalNotifier(webhook, { url: 'http://127.0.0.1:9/hook' }, receiver)

test('the payload is Alertmanager’s, under the key that the cloud has', async () => {
  const { notifier, messages } = await receiver()
  await notifier.send(exampleMessage(), 1, new AbortController().signal)
  expect(messages[0]!.key).toBe('spo2-low/bed-1/spo2/1700000000000#raised')
  expect(JSON.parse(messages[0]!.body)).toMatchObject({ version: '4', status: 'firing', commonLabels: { device: 'bed-1' } })
})

test('what is refused is told from what is to be tried again', async () => {
  const { signal } = new AbortController()
  await expect((await receiver(404)).notifier.send(exampleMessage(), 1, signal)).rejects.toMatchObject({ code: 'NOTIFY_REFUSED' })
  await expect((await receiver(503)).notifier.send(exampleMessage(), 1, signal)).rejects.toMatchObject({
    code: 'NOTIFY_UNREACHABLE',
  })
})
