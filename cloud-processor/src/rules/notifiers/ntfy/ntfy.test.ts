import { silentLog, systemClock } from '@millrace/platform'
import { afterEach, expect, test } from 'vitest'
import { exampleAlarm, exampleNotification, testNotifier } from '../conformance.ts'
import { startReceiver } from '../testing/receiver.ts'
import { ntfy } from './ntfy.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function receiver() {
  const server = await startReceiver()
  open.push(server.close)
  const config = ntfy.schema.parse({ kind: 'ntfy', url: server.url, topic: 'ward-3' })
  const context = { target: config.name, clock: systemClock, log: silentLog, pageUrl: 'https://millrace.example' }
  return { ...server, notifier: ntfy.create(config, context) }
}

testNotifier(ntfy, { url: 'http://127.0.0.1:9/', topic: 'ward-3' }, receiver)

test('the message says what it is about, as urgently as it is, with a link', async () => {
  const { notifier, messages } = await receiver()
  const signal = new AbortController().signal
  await notifier.send(exampleNotification(), signal)
  const alarms = ['a', 'b'].map((id) => ({ key: `${id}#raised`, alarm: exampleAlarm({ id }) }))
  await notifier.send({ ...exampleNotification(), alarms, count: 30 }, signal)
  await notifier.send(exampleNotification({ change: 'cleared', active: false }), signal)
  expect(messages[0]!.body).toEqual({
    topic: 'ward-3',
    title: '[high] anna: spo2 84 % below 88 % for 5 s',
    message: '[high] anna: spo2 84 % below 88 % for 5 s, last 84 % (bed-1, since 2023-11-14T22:13:20.000Z)',
    priority: 5,
    tags: ['rotating_light'],
    click: 'https://millrace.example/#/alarms',
  })
  expect(messages[1]!.body.title).toMatch(/^30 alarms, the first \[high\] anna/)
  expect(messages[1]!.body.message).toMatch(/and 28 more$/)
  expect(messages[2]!.body).toMatchObject({ priority: 2, title: '[over] anna: spo2 84 % below 88 % for 5 s' })
})
