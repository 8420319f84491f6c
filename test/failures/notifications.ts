/**
 * Ten thousand notifications for a receiver that answers after 5 s: `node test/failures/notifications.ts [--full]`
 *
 * Two messages of 5,020 lines each, of a plain device, raise and clear 5,000 alarms and leave 40 raised. The processor is killed
 * and started again, then stopped and started again: a stop does not wait 5 s for a receiver, so both cut off what is in flight.
 * What is older than `pageAgeMaxMs` by its turn is withheld unless it is still active; with `--full` that age is an hour, so that all are delivered. At no time may the event loop be held up.
 */

import { join } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import mqtt from 'mqtt'
import { type Program, program } from '../support/program.ts'
import { serviceIn } from '../support/service.ts'
import { until } from '../support/until.ts'
import { openWebhookReceiver } from '../support/webhook-receiver.ts'
import { classes, messageOf, notificationsOf, rules } from './notifications/lines.ts'
import { judge, readOutbox } from './notifications/outcomes.ts'

const { values: given } = readArguments({ call: 'npm run break -- notifications' }, { full: { type: 'boolean', default: false } })
const password = 'only-for-this-test'
const answerMs = 5000
const notifier = given.full
  ? { inFlightMax: 256, pageAgeMaxMs: 3_600_000, timeoutMs: 15_000, queueMax: 20_000, historyMax: 20_000 }
  : { inFlightMax: 32, pageAgeMaxMs: 15_000, timeoutMs: 15_000, queueMax: 20_000, historyMax: 20_000 }
const delayMsMax = 500

await program('notifications', async (test) => {
  const receiver = await openWebhookReceiver(answerMs)
  test.atEnd(receiver.close)
  const { broker, processor, url, metricsUrl } = await makeProcesses(test, receiver.url)
  const seen = watchMetrics(metricsUrl)
  test.atEnd(seen.stop)
  await broker.start()
  await processor.start()
  await publish(test, url)
  await until('all of them are in the outbox', () => seen.pendingMost() > notificationsOf.total * 0.95, { everyMs: 50 })
  const early = receiver.deliveries.length + notifier.inFlightMax
  test.say(`${seen.pendingMost()} wait; ${receiver.deliveries.length} have arrived`)

  test.check(await processor.kill(), 'the processor was killed')
  await processor.start()
  test.say(`started again; ${receiver.deliveries.length} have arrived`)
  const again = receiver.deliveries.length + notifier.inFlightMax / 4
  await until('it sends again', () => receiver.deliveries.length > again, { withinMs: 60_000 })
  const startedMs = performance.now()
  const how = await processor.stop()
  const stopMs = Math.round(performance.now() - startedMs)
  test.check(how === 'code 0', `asked to stop, the processor ended with ${how} after ${stopMs} ms`)
  await processor.start()
  const waits = () => seen.isFresh() && seen.pending() === 0
  await until('nothing waits any more', waits, { withinMs: given.full ? 900_000 : 120_000 })
  await processor.stop()

  judge(test, readOutbox(join(test.dir, 'processor/notifier.sqlite')), receiver.deliveries, { ...notifier, cutOff: 2, early })
  test.say(
    `longest event-loop delay that the processor told of: ${Math.round(seen.delayMsMost())} ms; the limit is ${delayMsMax} ms`,
  )
  test.say(`longest that /metrics took to answer: ${Math.round(seen.answerMsMost())} ms`)
})

async function makeProcesses({ dir, atEnd, check }: Program, webhook: string) {
  const path = (name: string) => join(dir, name)
  const [brokerPort, webPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const url = `mqtt://127.0.0.1:${brokerPort}`
  const cost = { N: 16, r: 1, p: 1 }
  await addUser(path('users'), { name: 'devices', password, role: 'device', args: ['plain'], cost })
  await addUser(path('users'), { name: 'processor', password, role: 'host', args: ['millrace', 'plain/#'], cost })
  const run = serviceIn({ dir, check, atEnd })
  const store = { path: path('sessions.sqlite') }
  const broker = run(
    'broker',
    '@millrace/broker/main',
    { listen: { port: brokerPort }, users: path('users'), store },
    /"listening"/,
  )
  const plain = [{ filter: 'plain/#', codec: 'influx-line', device: '{tag.d}', channels: [{ name: 'v', path: 'm.v' }] }]
  const config = {
    dataDir: path('processor'),
    bridge: { url, username: 'processor', password, plain: ['plain/#'] },
    prepare: { plain },
    rules: { rules },
    notifier: { ...notifier, to: [{ kind: 'webhook', url: webhook }] },
    web: { port: webPort },
    metrics: { port: metricsPort },
  }
  const processor = run('processor', '@millrace/cloud-processor/main', config, /"processor ready"/)
  return { broker, processor, url, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` }
}

/** The low ones first: the others must overtake them. */
async function publish({ atEnd, say }: Program, url: string): Promise<void> {
  // Before the bridge has its session, and has heard a tick, nothing is live.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const client = await mqtt.connectAsync(url, { username: 'devices', password })
  atEnd(() => client.endAsync(true))
  for (const priority of classes) await client.publishAsync(`plain/${priority}`, messageOf(priority, Date.now()), { qos: 1 })
  say(`${notificationsOf.total} alarm changes published in ${classes.length} messages`)
}

function watchMetrics(url: string) {
  let [pending, pendingMost, delayMsMost, answerMsMost] = [0, 0, 0, 0]
  let lookedMs = Number.NEGATIVE_INFINITY
  const look = async () => {
    const startedMs = performance.now()
    const text = await (await fetch(url)).text()
    answerMsMost = Math.max(answerMsMost, performance.now() - startedMs)
    lookedMs = startedMs
    const value = (name: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.split(' ')[1] ?? 0,
      )
    pending = value('millrace_notifications_pending')
    pendingMost = Math.max(pendingMost, pending)
    delayMsMost = Math.max(delayMsMost, value('process_event_loop_delay_ms{quantile="1"}'))
  }
  const timer = setInterval(() => void look().catch(() => {}), 100)
  return {
    pending: () => pending,
    isFresh: () => performance.now() - lookedMs < 1000,
    pendingMost: () => pendingMost,
    delayMsMost: () => delayMsMost,
    answerMsMost: () => answerMsMost,
    stop: () => clearInterval(timer),
  }
}
