import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { type Message, startReceiver } from './notifiers/testing/receiver.ts'
import { alarm, ended, logForEachTest, startNotifierProcess, until } from './testing/notifier.ts'

/** Waits pass ten times as fast; the wall clock is the real one. */
const fastClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 10,
  after: (ms, call) => systemClock.after(ms / 10, call),
}

const made = logForEachTest()
const { closing, append } = made

async function receiver(answer?: Parameters<typeof startReceiver>[0]) {
  const server = await startReceiver(answer)
  closing.push(server.close)
  return server
}

const notifier = (url: string, { lagMs, ...more }: { lagMs?: () => number; [key: string]: unknown } = {}) =>
  made.start({ to: [{ kind: 'webhook', url }], ...more }, { clock: fastClock, lagMs })

test('a notification is sent once, its end after its beginning, also across a restart', async () => {
  const server = await receiver()
  const first = await notifier(server.url)
  await append(alarm('a'))
  await until(() => first.states()['a#raised'] === 'sent')
  await first.close()
  await append(ended('a'), alarm('b', { priority: 'low' }))
  const second = await notifier(server.url)
  await until(() => server.messages.length === 3)
  await until(() => second.list().every(({ state }) => state === 'sent'))
  expect(server.keys().sort()).toEqual(['a#cleared', 'a#raised', 'b#raised'])
  expect(second.list()[0]!.sentMs).toBeGreaterThan(Date.now() - 10_000)
})

test('a failure is tried again with the same key until it is taken', async () => {
  let failures = 3
  const server = await receiver((_: Message, response) => response.writeHead(failures-- > 0 ? 503 : 200).end())
  const { states, metrics, list } = await notifier(server.url, { retryMsMax: 300 })
  await append(alarm('a'))
  await until(() => states()['a#raised'] === 'sent')
  expect(server.keys()).toEqual(['a#raised', 'a#raised', 'a#raised', 'a#raised'])
  expect(list()[0]!.attempts).toBe(4)
  expect(metrics.values()).toMatchObject({
    'millrace_notifications_total{target="webhook",outcome="failed"}': 3,
    'millrace_notifications_total{target="webhook",outcome="sent"}': 1,
    millrace_notifications_pending: 0,
  })
})

test('a refused one is set aside and holds up no other, and its end is not told', async () => {
  const server = await receiver(({ key }, response) => response.writeHead(key.startsWith('bad') ? 400 : 200).end())
  const { states } = await notifier(server.url)
  await append(alarm('bad'), alarm('good'))
  await append(ended('bad'))
  await until(() => states()['bad#cleared'] === 'withheld' && states()['good#raised'] === 'sent')
  expect(states()['bad#raised']).toBe('refused')
  expect(server.keys().sort()).toEqual(['bad#raised', 'good#raised'])
})

test('a receiver that does not answer is timed out and tried again', async () => {
  let isFirst = true
  const server = await receiver((_, response) => {
    if (!isFirst) response.end()
    isFirst = false
  })
  const { states } = await notifier(server.url, { timeoutMs: 1000 })
  await append(alarm('a'))
  await until(() => states()['a#raised'] === 'sent')
  expect(server.keys()).toEqual(['a#raised', 'a#raised'])
})

test('what is old is withheld, unless it is still active once the lag is gone', async () => {
  const server = await receiver()
  const hourAgo = Date.now() - 3_600_000
  let lag = 60_000
  await append(alarm('over', { atMs: hourAgo }), alarm('lasting', { atMs: hourAgo }))
  const { states } = await notifier(server.url, { lagMs: () => lag })
  await append(alarm('fresh'))
  await until(() => states()['fresh#raised'] === 'sent')
  await append(ended('over', { atMs: hourAgo + 1000 }))
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(server.keys()).toEqual(['fresh#raised'])
  lag = 0
  await until(() => states()['lasting#raised'] === 'sent' && states()['over#cleared'] === 'withheld')
  expect(states()['over#raised']).toBe('withheld')
  expect(server.keys()).toEqual(['fresh#raised', 'lasting#raised'])
})

test('the end of an alarm that was told is told at any age', async () => {
  const server = await receiver()
  const { states } = await notifier(server.url)
  await append(alarm('a'))
  await until(() => states()['a#raised'] === 'sent')
  await append(ended('a', { atMs: Date.now() - 3_600_000 }))
  await until(() => states()['a#cleared'] === 'sent')
})

test('records that the topic holds twice are told once', async () => {
  const server = await receiver()
  const { states } = await notifier(server.url)
  await append(alarm('a'))
  made.offset--
  await append(alarm('a'))
  await append(alarm('a'), alarm('b'))
  await until(() => states()['b#raised'] === 'sent')
  expect(server.keys().sort()).toEqual(['a#raised', 'b#raised'])
})

test('past queueMax the oldest are given up and counted, and the history is bounded', async () => {
  const server = await receiver((_, response) => response.writeHead(503).end())
  const { states, metrics, list } = await notifier(server.url, { queueMax: 3, historyMax: 2 })
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  for (const id of ids) await append(alarm(id))
  const evicted = () => metrics.values()['millrace_notifications_total{outcome="evicted"}']
  await until(() => evicted() === 5)
  expect(ids.filter((id) => states()[`${id}#raised`] === 'pending')).toEqual(['f', 'g', 'h'])
  await append(...ids.map((id) => ended(id)))
  await append(alarm('last'))
  await until(() => states()['last#raised'] === 'pending')
  expect(list().length).toBeLessThanOrEqual(3 + 2 + 1)
})

test('a damaged outbox is set aside, and made again from the log', async () => {
  const server = await receiver()
  await append(alarm('a'))
  writeFileSync(join(made.folder, 'notifier.sqlite'), Buffer.alloc(8192, 7))
  const { states } = await notifier(server.url)
  await until(() => states()['a#raised'] === 'sent')
  expect(readdirSync(made.folder).filter((name) => name.includes('damaged'))).toHaveLength(1)
})

test('killed between sending and marking, it repeats that one only, under the same key', { timeout: 60_000 }, async () => {
  await append(alarm('a', { priority: 'low' }), alarm('b'), alarm('c', { priority: 'low' }))
  await made.log.close()
  let victim: ReturnType<typeof startNotifierProcess>
  let kill = true
  const server = await receiver(({ key }, response) => {
    if (key !== 'a#raised' || !kill) return response.end()
    kill = false
    victim.child.kill('SIGKILL')
  })
  victim = startNotifierProcess(made.folder, server.url, { inFlightMax: 1 })
  await victim.ended
  expect(server.keys()).toEqual(['b#raised', 'a#raised'])
  const second = startNotifierProcess(made.folder, server.url, { inFlightMax: 1 })
  await until(() => server.messages.length === 4, 'the repeat')
  second.stop()
  const { states } = (await second.ended)!
  expect(server.keys()).toEqual(['b#raised', 'a#raised', 'a#raised', 'c#raised'])
  expect(states.map(([key]) => key).sort()).toEqual(['a#raised', 'b#raised', 'c#raised'])
})

test('what was in flight when it was killed may have been told: its end is told though the beginning is withheld', {
  timeout: 60_000,
}, async () => {
  await append(alarm('a'))
  let isFirst = true
  const server = await receiver(({ key }, response) => {
    if (key === 'a#raised' && isFirst) victim.child.kill('SIGKILL')
    else response.end()
    isFirst = false
  })
  await made.log.close()
  const victim = startNotifierProcess(made.folder, server.url)
  await victim.ended
  await made.open()
  await append(ended('a'))
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const { states } = await notifier(server.url, { pageAgeMaxMs: 1000 })
  await until(() => states()['a#cleared'] === 'sent')
  expect(states()['a#raised']).toBe('withheld')
  expect(server.keys()).toEqual(['a#raised', 'a#cleared'])
})

test('several are in flight, the urgent first, the end of an alarm after its beginning', async () => {
  let inFlight = 0
  let most = 0
  const answered: string[] = []
  const server = await receiver(({ key }, response) => {
    most = Math.max(most, ++inFlight)
    setTimeout(() => {
      inFlight--
      answered.push(key)
      response.end()
    }, 30)
  })
  const ids = Array.from({ length: 20 }, (_, k) => `a${k}`)
  await append(...ids.flatMap((id) => [alarm(id, { priority: 'low' }), ended(id, { priority: 'low' })]))
  await append(...ids.map((id) => alarm(`high-${id}`)))
  await notifier(server.url, { inFlightMax: 4 })
  await until(() => answered.length === 60)
  expect(most).toBe(4)
  expect(answered.slice(0, 20).every((key) => key.startsWith('high'))).toBe(true)
  for (const id of ids) expect(answered.indexOf(`${id}#raised`)).toBeLessThan(server.keys().indexOf(`${id}#cleared`))
})

test('what fails again and again holds up nothing else, however urgent it is', async () => {
  const server = await receiver(({ key }, response) => {
    if (key.startsWith('bad')) setTimeout(() => response.writeHead(503).end(), 50)
    else response.end()
  })
  const { states } = await notifier(server.url, { inFlightMax: 2, retryMsMax: 100 })
  await append(...Array.from({ length: 10 }, (_, k) => alarm(`bad${k}`)))
  await until(() => server.messages.length > 10)
  await append(alarm('good', { priority: 'low' }))
  await until(() => states()['good#raised'] === 'sent')
})

test('a receiver that is down is tried now and then, and the urgent are the first when it answers again', async () => {
  let isDown = true
  const server = await receiver((_, response) => response.writeHead(isDown ? 503 : 200).end())
  const { states } = await notifier(server.url, { inFlightMax: 2 })
  const low = Array.from({ length: 100 }, (_, k) => alarm(`low${k}`, { priority: 'low' }))
  await append(...low)
  await append(...Array.from({ length: 20 }, (_, k) => alarm(`high${k}`)))
  await new Promise((resolve) => setTimeout(resolve, 1500))
  // Ten seconds of its clock: eight failures before it counts as down, and one a second.
  expect(server.messages.length).toBeLessThan(30)
  isDown = false
  const from = server.messages.length
  await until(() => Object.values(states()).every((state) => state === 'sent'))
  const firstLow = server.keys().findIndex((key, at) => at > from + 1 && key.startsWith('low'))
  const lastHigh = server.keys().findLastIndex((key) => key.startsWith('high'))
  expect(lastHigh - firstLow).toBeLessThanOrEqual(2)
})
