/**
 * Rules on the gateway: `node test/e2e/local-rules.ts`
 *
 * A sensor goes over its limit while the link is cut: the alarm is raised, told and shown on the gateway within a second. The agent is
 * killed in the middle of it. When the link is back the cloud has that alarm once, by its key, and tells its people once.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { AlarmRecord, AlarmTopicRecord } from '@millrace/contract'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { stringify } from 'yaml'
import { openCutLink } from '../support/cut-link.ts'
import { installation } from '../support/installation.ts'
import { readTopic } from '../support/log-pages.ts'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { openWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts'

readArguments({ call: 'npm run break -- local-rules' }, {})

const seconds = (n: number) => new Promise((resolve) => setTimeout(resolve, n * 1000))
/** Longer than `staleMs`: what was measured before is history when the link is back. */
const cutSeconds = 12
const raiseMsMax = 1000

/** Ten lines a second, to each that connects. */
async function openSensor() {
  const readers = new Set<Socket>()
  const server = createServer((socket) => {
    readers.add(socket)
    socket.on('error', () => {}).on('close', () => readers.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sensor = { port: (server.address() as { port: number }).port, value: 40, close: () => {} }
  const timer = setInterval(() => {
    for (const socket of readers) socket.write(`{"temperature":${sensor.value}}\n`)
  }, 100)
  sensor.close = () => {
    clearInterval(timer)
    for (const socket of readers) socket.destroy()
    server.close()
  }
  return sensor
}

const keys = ({ deliveries }: WebhookReceiver) => deliveries.map(({ key }) => key)
const countOf = (all: string[], key: string) => all.filter((one) => one === key).length

await program('local-rules', async (test) => {
  const { check, say, atEnd, dir } = test
  const [sensor, site, people, pagePort] = [
    await openSensor(),
    await openWebhookReceiver(),
    await openWebhookReceiver(),
    await freePort(),
  ]
  for (const each of [sensor, site, people]) atEnd(() => each.close())
  const rules = { rules: [{ name: 'too-hot', channel: 'temperature', condition: 'above', set: 80, clear: 75, priority: 'high' }] }
  const [ruleFile, lines, lamp] = ['rules.yaml', 'display', 'lamp'].map((name) => join(dir, name)) as [string, string, string]
  writeFileSync(ruleFile, stringify(rules))
  let link: Awaited<ReturnType<typeof openCutLink>> | undefined
  const { broker, processor, agent, api } = await installation(dir, {
    scenario: { name: 'none', devices: [{ kind: 'contec-cms50', name: 'bed', count: 1 }] },
    agent: {
      devices: [
        {
          id: 'boiler',
          bus: { kind: 'tcp', host: '127.0.0.1', port: sensor.port },
          decoder: { kind: 'json-lines', channels: [{ name: 'temperature', unit: 'Cel' }] },
        },
      ],
      rules: {
        file: ruleFile,
        to: [
          { kind: 'webhook', name: 'site', url: site.url },
          { kind: 'file', name: 'display', path: lines },
          { kind: 'file', name: 'lamp', path: lamp, format: 'value' },
        ],
      },
      metrics: { port: pagePort },
    },
    processor: { rules, notifier: { to: [{ kind: 'webhook', name: 'people', url: people.url }] } },
    through: async (brokerPort) => {
      link = await openCutLink(brokerPort)
      return link.port
    },
    onUnexpectedEnd: (name, how) => check(false, `${name} ended by itself: ${how}`),
  })
  for (const each of [broker, processor, agent]) atEnd(() => each.stop())
  atEnd(() => link!.close())
  await broker.start()
  await processor.start()
  await agent.start()
  const page = async () => (await fetch(`http://127.0.0.1:${pagePort}/`)).text()
  const isKnown = () => until('the device is known', async () => (await api.fleet()).some(({ device }) => device === 'boiler'))
  const changes = async () => {
    const records = (await readTopic(api, 'alarms')).map(({ record }) => record as unknown as AlarmTopicRecord)
    return records.filter((record): record is AlarmRecord => record.k === 'alarm' && record.rule === 'too-hot')
  }
  /** Goes over the limit. Gives the key of the alarm that the site is told of. */
  const overLimit = async (what: string) => {
    const [before, sinceMs] = [site.deliveries.length, Date.now()]
    sensor.value = 90
    const { key, atMs } = await until('the site is told', () => site.deliveries[before], { everyMs: 5 })
    check(atMs - sinceMs < raiseMsMax, `${what}: the site was told ${atMs - sinceMs} ms after the sensor went over the limit`)
    return key.replace(/#raised$/, '')
  }
  const oneAlarm = async (id: string, what: string) => {
    await until(`${what}: the cloud knows it`, async () => (await changes()).some((one) => one.id === id))
    await seconds(3)
    const raised = (await changes()).filter(({ change }) => change === 'raised')
    const mine = raised.filter((one) => one.id === id)
    check(mine.length === 1, `${what}: the cloud has raised ${id} once (${mine.length})`)
    check(
      mine[0]?.edge?.node === 'test/gateway',
      `${what}: its record says where and when it was raised: ${JSON.stringify(mine[0]?.edge)}`,
    )
    return raised
  }
  await isKnown()
  await until('a value on the page', async () => (await page()).includes('40 Cel'))

  const first = await overLimit('link up')
  await oneAlarm(first, 'link up')
  sensor.value = 40
  await until('it is over on the site', () => keys(site).includes(`${first}#cleared`))

  link!.cut()
  say('the link is cut')
  await seconds(cutSeconds)
  const second = await overLimit('link cut')
  const shown = await page()
  check(
    shown.includes('above 80 Cel') && shown.includes('NOT connected'),
    'the page of the gateway shows it, and that the link is down',
  )
  check(readFileSync(lines, 'utf8').includes(second), 'the display has its line')
  check(readFileSync(lamp, 'utf8') === '1', 'the lamp is on')
  // A message is repeated, under its key, where the kill comes before the next commit.
  await seconds(1)
  await agent.kill()
  say('the agent is killed')
  await seconds(2)
  await agent.start()
  await until('the page shows it again', async () => (await page()).includes('above 80 Cel'))
  await seconds(cutSeconds)
  check(countOf(keys(site), `${second}#raised`) === 1, 'the site was told once, kill included')
  link!.mend()
  say('the link is back')
  const raised = await oneAlarm(second, 'link back')
  check(
    raised.length === 2,
    `the cloud has raised two alarms in all, late readings included: ${raised.map(({ id }) => id).join(', ')}`,
  )
  check(countOf(keys(people), `${second}#raised`) === 1, 'people in the cloud were told once')

  link!.cut()
  say('the link is cut while it is active')
  await seconds(2)
  sensor.value = 40
  await until('it is over on the site', () => keys(site).includes(`${second}#cleared`))
  check(readFileSync(lamp, 'utf8') === '0', 'the lamp is off')
  const third = await overLimit('link cut again')
  await seconds(1)
  sensor.value = 40
  await until('it is over on the site', () => keys(site).includes(`${third}#cleared`))
  await seconds(cutSeconds)
  link!.mend()
  say('the link is back')
  const all = await oneAlarm(third, 'raised and over while the link was cut')
  check(all.length === 3, `the cloud has raised three in all: ${all.map(({ id }) => id).join(', ')}`)
  const cleared = (await changes()).filter(({ change }) => change === 'cleared').map(({ id }) => id)
  check(`${cleared}` === `${[first, second, third]}`, `and each has cleared once: ${cleared.join(', ')}`)
  check(
    (await changes()).every(({ retrospective }) => !retrospective),
    'none was made again of late readings',
  )

  const verdict = await verify(api, [], verifyDefaults)
  if (!verdict.isWhole) say(printVerdict(verdict))
  check(verdict.isWhole, closingLine(verdict))
})
