/**
 * A sensor that publishes retained messages without a time and dies: `node test/failures/retained.ts [--broker millrace|mosquitto]`
 *
 * The broker sends its copy at each restart of the processor, before and after its own restart. No copy becomes a reading,
 * and none clears the absence alarm: the sensor stays dead. The page shows the state as last known.
 */
import { join } from 'node:path'
import { brokerSchema, startBroker } from '@millrace/broker/broker'
import { processorSchema } from '@millrace/cloud-processor/config'
import { openEngines } from '@millrace/cloud-processor/engines'
import { startProcessor } from '@millrace/cloud-processor/processor'
import { createMetrics, readArguments, silentLog, systemClock } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { type Api, openApi } from 'millrace'
import { compareCopies } from '../e2e/chaos/checks/copies.ts'
import { openLogView } from '../e2e/chaos/checks/log.ts'
import { mosquitto } from '../engines/mosquitto/mosquitto.ts'
import { readTopic } from '../support/log-pages.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { lastRetained, publishAndDie } from '../support/retained-sensor.ts'
import { until } from '../support/until.ts'

const { values } = readArguments(
  { call: 'npm run break -- retained' },
  { broker: { type: 'string', default: 'millrace,mosquitto' } },
)
const topic = 'lab/probe/state'
const dead = { filter: 'lab/+/state', channel: 'v', rule: 'silent' }

await program('retained', async (test) => {
  for (const kind of values.broker.split(',')) await onBroker(test, kind)
})

async function onBroker(test: Program, kind: string): Promise<void> {
  const broker = await openBroker(test, kind)
  const url = `mqtt://127.0.0.1:${broker.port}`
  const processor = await openProcessor(test, url, kind)
  await until('the bridge listens', async () => (await copiesOf(processor.api())) >= 0, { withinMs: 10_000 })
  await publishAndDie({ url, topic })
  await until('its absence is an alarm', async () => (await activeOf(processor.api())).length === 1, { withinMs: 30_000 })
  const before = await readingsOf(processor.api())
  for (let n = 0; n < 2; n++) await withCopy(processor, () => processor.again())
  // The session is kept, so no copy is due; one that a broker sends all the same says no more than the others.
  await broker.again()
  for (let n = 0; n < 2; n++) await withCopy(processor, () => processor.again())
  // More than the rule's time: a copy that counted as life would have cleared it, and raised it again.
  await new Promise((resolve) => setTimeout(resolve, 4000))
  const copies = await compareCopies(await openLogView({ api: processor.api() }), processor.api(), dead)
  const { wrong } = copies
  test.check(wrong.length === 0, `${kind}: ${copies.copies} copies are last known and no reading ${wrong.slice(0, 3).join('; ')}`)
  const changes = (await readTopic(processor.api(), 'alarms')).filter(
    ({ record }) => record.k === 'alarm' && record.rule === 'silent',
  )
  test.check(before > 0 && (await readingsOf(processor.api())) === before, `${kind}: ${before} readings, and none by a copy`)
  test.check((await activeOf(processor.api())).length === 1, `${kind}: the absence alarm is active`)
  test.check(changes.length === 1, `${kind}: it was raised once and never cleared (${changes.length} changes)`)
  const [device] = (await processor.api().fleet()) as unknown as { lastKnown?: Record<string, unknown>; state: string }[]
  test.check(device?.lastKnown?.v === lastRetained, `${kind}: the page has the last known value ${device?.lastKnown?.v}`)
  test.check(device?.state !== 'online', `${kind}: the device is ${device?.state}`)
}

/** Each fault must bring a copy, or it shows nothing. */
async function withCopy(processor: { api(): Api }, fault: () => Promise<void>): Promise<void> {
  const before = await copiesOf(processor.api())
  await fault()
  await until('a copy came', async () => (await copiesOf(processor.api())) > before, { withinMs: 20_000 })
}

async function copiesOf(api: Api): Promise<number> {
  return (await readTopic(api, 'raw')).filter(({ record }) => record.topic === topic && record.retain === true).length
}

async function readingsOf(api: Api): Promise<number> {
  return (await readTopic(api, 'timeline')).filter(({ record }) => record.k === 'readings').length
}

async function activeOf(api: Api) {
  return (await api.alarms()).filter(({ active, rule }) => active && rule === 'silent')
}

async function openBroker(test: Program, kind: string) {
  const port = await freePort()
  const dir = join(test.dir, `${kind}-broker`)
  const start = kind === 'mosquitto' ? await mosquittoIn(dir, port) : () => startOurs(join(test.dir, 'sessions.sqlite'), port)
  let running = await start()
  test.atEnd(() => running.stop())
  return {
    port,
    async again() {
      await running.stop()
      running = await start()
    },
  }
}

async function startOurs(path: string, port: number) {
  const config = brokerSchema.parse({ listen: { port }, dangerouslyAllowAnonymous: true, store: { path } })
  const broker = await startBroker(config)
  return { stop: () => broker.close() }
}

async function mosquittoIn(dir: string, port: number) {
  if (!(await mosquitto.find())) throw new CannotRun('Mosquitto is not there. Run: npm run engines -- mosquitto')
  return () => mosquitto.start({ dir, port, isPersistent: true })
}

async function openProcessor(test: Program, url: string, kind: string) {
  const config = processorSchema.parse({
    dataDir: join(test.dir, `${kind}-processor`),
    bridge: { url, plain: ['lab/#'] },
    prepare: { plain: [{ filter: 'lab/+/state', channels: [{ name: 'v', path: 'v' }] }] },
    rules: { graceMs: 0, rules: [{ name: 'silent', channel: 'v', condition: 'absent', afterMs: 2000 }] },
    web: { port: 0, staleAfterMs: 2000 },
  })
  const open = async () => {
    const engines = await openEngines(config, { clock: systemClock, logger: silentLog, metrics: createMetrics() })
    return startProcessor(config, engines)
  }
  let running = await open()
  test.atEnd(() => running.stop())
  return {
    api: () => openApi(`http://127.0.0.1:${running.webPort}/`),
    async again() {
      await running.stop()
      running = await open()
    },
  }
}
