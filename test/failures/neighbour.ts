/**
 * A healthy device beside hostile sources: `node test/failures/neighbour.ts [--seconds 12] [--only invented]`
 *
 * Broker and processor are real processes. The healthy device publishes ten readings a second and falls into alarm now and then, while
 * others have names that mean something to a program, invent devices, and raise alarms without end. Of each attack: the share of
 * the healthy readings that an open page showed, how long its alarms took, and how long the processor's event loop was held up.
 * At last the processor is started again: the device and its alarm, which nobody acknowledged, must be on the page.
 */
import { join } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import mqtt from 'mqtt'
import { type Program, program } from '../support/program.ts'
import { serviceIn } from '../support/service.ts'
import { until } from '../support/until.ts'
import {
  connectHostile,
  flapAlarm,
  type Hostile,
  inventDevices,
  inventUnderNode,
  namePlain,
  nameThings,
} from './neighbour/hostile.ts'
import { openPage, type Page } from './neighbour/page.ts'

const { values } = readArguments(
  { call: 'npm run break -- neighbour' },
  { seconds: { type: 'string', default: '12' }, only: { type: 'string' } },
)
const attackMs = Number(values.seconds) * 1000
const password = 'only-for-this-test'
const healthy = 'oximeter'
const everyMs = 100
/** From the reading's time to the page. */
const alarmMsMax = 1000
const delayMsMax = 100

const attacks: { name: string; user: string; attack(hostile: Hostile): Promise<number> }[] = [
  { name: 'names of a foreign node', user: 'node', attack: nameThings },
  { name: 'names of plain devices', user: 'open', attack: namePlain },
  { name: 'an alarm that flaps', user: 'open', attack: flapAlarm },
  { name: 'invented devices of a node, in alarm', user: 'node', attack: inventUnderNode },
  { name: 'invented plain devices, in alarm', user: 'open', attack: inventDevices },
]

await program('neighbour', async (test) => {
  const { url, webUrl, processor } = await startAll(test)
  const device = await startHealthy(url)
  test.atEnd(device.stop)
  let page = await openPage(webUrl, healthy)
  test.atEnd(() => page.close())
  await until('the healthy device is shown', () => page.shown.size > 10)
  const standing = await device.alarm(page)

  for (const { name, user, attack } of attacks.filter((one) => values.only === undefined || one.name.includes(values.only))) {
    const client = await connectHostile(url, user, password)
    const found = await underAttack({ test, device, page, webUrl }, (isOver) => attack({ client, isOver }))
    client.end(true)
    test.say(`${name}: ${found}`)
  }
  test.check(page.isAlarmShown(standing), 'the alarm of before, which nobody acknowledged, is still on the page')

  page.close()
  await processor.stop()
  await processor.start()
  page = await openPage(webUrl, healthy)
  await until('the healthy device speaks to the page again', () => page.shown.size > 10)
  test.check(page.isDeviceShown(), 'after a restart the device is on the page')
  await until('the alarms are read', () => page.isAlarmShown(standing), { withinMs: 20_000 }).catch(() => {})
  test.check(page.isAlarmShown(standing), `after a restart its alarm is on the page, of ${JSON.stringify(page.size())}`)
})

async function startAll(test: Program) {
  const path = (name: string) => join(test.dir, name)
  const [brokerPort, webPort] = [await freePort(), await freePort()]
  const url = `mqtt://127.0.0.1:${brokerPort}`
  const cost = { N: 16, r: 1, p: 1 }
  const users = path('users')
  await addUser(users, { name: 'ward', password, role: 'device', args: ['ward'], cost })
  await addUser(users, { name: 'open', password, role: 'admin', cost })
  await addUser(users, { name: 'node', password, role: 'node', args: ['g/hostile'], cost })
  await addUser(users, {
    name: 'processor',
    password,
    role: 'host',
    args: ['millrace', '+/+/state', '+/state', 'open/lines'],
    cost,
  })
  const run = serviceIn(test)
  const broker = run('broker', '@millrace/broker/main', { listen: { port: brokerPort }, users }, /"listening"/)
  const channels = [{ name: 'spo2', path: 'spo2', unit: '%' }]
  const processor = run(
    'processor',
    '@millrace/cloud-processor/main',
    {
      dataDir: path('processor'),
      bridge: { url, username: 'processor', password, plain: ['+/+/state', '+/state', 'open/lines'] },
      prepare: {
        plain: [
          { filter: '+/+/state', channels },
          { filter: '+/state', device: '{0}', channels },
          { filter: 'open/lines', codec: 'influx-line', device: '{tag.host}', channels: [{ name: 'spo2', path: 'm.spo2' }] },
        ],
      },
      rules: { rules: [{ name: 'low-spo2', channel: 'spo2', condition: 'below', set: 90, priority: 'high' }] },
      web: { port: webPort },
    },
    /"processor ready"/,
  )
  await broker.start()
  await processor.start()
  return { url, webUrl: `http://127.0.0.1:${webPort}/`, processor }
}

type Healthy = Awaited<ReturnType<typeof startHealthy>>

async function startHealthy(url: string) {
  const client = await mqtt.connectAsync(url, { username: 'ward', password })
  let spo2 = 97
  /** Of every reading, its time; of every fall into alarm, when. */
  const sent: number[] = []
  const timer = setInterval(() => {
    const t = Math.max(Date.now(), (sent.at(-1) ?? 0) + 1)
    sent.push(t)
    client.publish(`ward/${healthy}/state`, JSON.stringify({ spo2 }), { qos: 1 })
  }, everyMs)
  return {
    sent,
    /** Falls into alarm and recovers. @returns the id of the alarm, or throws when it is not shown */
    async alarm(page: Page, withinMs = 20_000): Promise<string> {
      const before = new Set(page.raised.keys())
      spo2 = 85
      const isNew = (id: string) => !before.has(id)
      try {
        return await until('the alarm is shown', () => [...page.raised.keys()].find(isNew), { withinMs })
      } finally {
        spo2 = 97
        await pause(3 * everyMs)
      }
    },
    async stop() {
      clearInterval(timer)
      await client.endAsync(true)
    },
  }
}

interface Scene {
  test: Program
  device: Healthy
  page: Page
  webUrl: string
}

async function underAttack(scene: Scene, attack: (isOver: () => boolean) => Promise<number>): Promise<string> {
  const { test, device, page, webUrl } = scene
  const endMs = performance.now() + attackMs
  const attacking = attack(() => performance.now() > endMs)
  await pause(attackMs / 6)
  const sentBefore = device.sent.length
  const shownBefore = page.shown.size
  const tookMs: number[] = []
  const worstLags = new Map<string, number>()
  const looking = setInterval(() => void lookAtLags(webUrl, worstLags).catch(() => {}), 500)
  while (performance.now() < endMs - 1500) {
    const sinceMs = Date.now()
    await device.alarm(page).catch(() => {})
    tookMs.push(Date.now() - sinceMs - 3 * everyMs)
    await pause(500)
  }
  const sent = device.sent.length - sentBefore
  await pause(500)
  const shown = Math.min(sent, page.shown.size - shownBefore)
  const messages = await attacking
  clearInterval(looking)
  const delayMs = await eventLoopDelay(webUrl)
  const worstMs = Math.max(...tookMs)
  test.check(shown >= 0.99 * sent, `${shown} of ${sent} healthy readings were shown`)
  test.check(worstMs <= alarmMsMax, `${tookMs.length} alarms took up to ${worstMs} ms`)
  test.check(delayMs <= delayMsMax, `the event loop was held up for ${delayMs.toFixed(1)} ms (p99)`)
  return `${messages} hostile messages; page: ${JSON.stringify(page.size())}; worst lags in ms: ${JSON.stringify(Object.fromEntries(worstLags))}`
}

async function lookAtLags(webUrl: string, worst: Map<string, number>): Promise<void> {
  const { stages } = (await (await fetch(new URL('/api/status', webUrl))).json()) as { stages: { name: string; lagMs: number }[] }
  for (const { name, lagMs } of stages) if (lagMs > 500) worst.set(name, Math.max(worst.get(name) ?? 0, Math.round(lagMs)))
}

async function eventLoopDelay(webUrl: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', webUrl))).text()
  return Number(/^process_event_loop_delay_ms\{quantile="0\.99"\} (\S+)/m.exec(text)?.[1] ?? Number.NaN)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
