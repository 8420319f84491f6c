/**
 * `node test/failures/takeover.ts [--devices 10000] [--processors 3] [--partitions 4] [--kills 5]`
 *
 * Three processors on Kafka know ten thousand devices. The one that has the state of a device, from its messages to its
 * alarms, gets a SIGKILL; from then on devices of the same partition are beyond their limit. How long until the first of their
 * alarms is with people, and the last? Along the way: when another processor had taken the partition over, when the readings
 * were in raw and on the timeline, when the alarm was in the log.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { openKafkaLog } from '@millrace/cloud-processor/log'
import { decodeJson, decodeRaw, type TimelineRecord, type Topic, topics } from '@millrace/contract'
import { createMetrics, readArguments, silentLog } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { stringify } from 'yaml'
import { isMissing, obtain } from '../engines/index.ts'
import { contention } from '../support/contention.ts'
import { CannotRun, program } from '../support/program.ts'
import { type RealProcess, realProcess } from '../support/real-process.ts'
import { until } from '../support/until.ts'
import { openWebhookReceiver } from '../support/webhook-receiver.ts'
import { watchAssignments } from './takeover/assignments.ts'
import { type Device, group, openFleet } from './takeover/fleet.ts'
import { endsOf, firstRecord, type Place } from './takeover/trace.ts'

const { values } = readArguments(
  { call: 'npm run break -- takeover' },
  {
    devices: { type: 'string', default: '10000' },
    processors: { type: 'string', default: '3' },
    partitions: { type: 'string', default: '4' },
    kills: { type: 'string', default: '5' },
  },
)
const [count, processorCount, partitions, kills] = [values.devices, values.processors, values.partitions, values.kills].map(
  Number,
) as [number, number, number, number]

/** From the SIGKILL to the first alarm at its receiver. */
const alarmWithinMs = 10_000
const watchedMost = 10
const limit = 1000
const rules = { rules: [{ name: 'high', channel: 'v', condition: 'above', set: limit, priority: 'high' }] }
/** Devices that say something every 100 ms, all the time. */
const liveEach = 50

const seconds = (ms: number) => (Number.isNaN(ms) ? '?' : `${(ms / 1000).toFixed(1)} s`)

await program('takeover', async ({ dir, atEnd, check, say }) => {
  const kafka = await obtain('kafka', { dir: join(dir, 'kafka') }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  atEnd(() => kafka.stop())
  const webhook = await openWebhookReceiver()
  atEnd(() => webhook.close())
  const port = await freePort()
  const user = { username: 'fleet', password: 'fleet-password' }
  const log = { kind: 'kafka', brokers: [kafka.address], partitions, replicas: 1 }

  const broker = await makeBroker()
  const processors = Array.from({ length: processorCount }, (_, index) => makeProcessor(`processor-${index + 1}`))
  await Promise.all([broker, ...processors].map((one) => one.start()))
  const eye = await openKafkaLog({ brokers: log.brokers, partitions, replicas: 1 }, { log: silentLog, metrics: createMetrics() })
  atEnd(() => eye.close())
  const members = watchAssignments(eye)
  await balanced()

  const fleet = await openFleet(`mqtt://127.0.0.1:${port}`, user, count)
  atEnd(fleet.close)
  const fillMs = performance.now()
  await fleet.fill(3)
  say(`${count} devices declared and read three times in ${Math.round((performance.now() - fillMs) / 1000)} s`)
  let turn = 0
  /** A later value of the same device that came first would make the one beyond the limit late, and its alarm would not be notified. */
  const quiet = new Set<Device>()
  const live = setInterval(() => {
    for (let k = 0; k < liveEach; k++) {
      const device = fleet.devices[turn++ % count]!
      if (!quiet.has(device)) fleet.send(device, turn % 100)
    }
  }, 100)
  atEnd(() => clearInterval(live))

  const firsts: number[] = []
  const lasts: number[] = []
  const busy: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    // The one that sends, the one that leads, and then any of them.
    const wanted = [members.holder('notifier/0'), members.holder('lead/0')][kill]
    const { victim, watched } = choose(wanted, kill)
    for (const device of watched) quiet.add(device)
    await until('all is receipted', () => fleet.unreceipted() < liveEach, { withinMs: 60_000 })
    const told = await strike(victim, watched)
    firsts.push(told.firstMs)
    lasts.push(told.lastMs)
    busy.push(await contention())
    say(
      `kill ${kill + 1}, of ${victim.name} (${told.what}): taken over after ${seconds(told.takenMs)}; raw ${seconds(told.rawMs)}, timeline ${seconds(told.timelineMs)}, alarm ${seconds(told.alarmMs)}; first of ${watched.length} alarms told after ${seconds(told.firstMs)}, last ${seconds(told.lastMs)}; load ${loadavg()[0]!.toFixed(1)}, work takes ${busy.at(-1)!.toFixed(1)} times as long as alone`,
    )
    for (const device of watched) fleet.send(device, 0)
    await victim.start()
    await balanced()
  }
  const sorted = firsts.toSorted((a, b) => a - b)
  const stretch = Math.max(...busy)
  check(
    sorted.at(-1)! <= alarmWithinMs * stretch,
    `first new alarm after a SIGKILL, with the state of ${count} devices: p50 ${seconds(sorted[Math.floor(kills / 2)]!)}, max ${seconds(sorted.at(-1)!)} over ${kills} kills; every watched device within ${seconds(Math.max(...lasts))}; at most ${alarmWithinMs / 1000} s${stretch > 1.2 ? `, stretched by ${stretch.toFixed(1)} on this busy machine` : ''}`,
  )

  async function makeBroker(): Promise<RealProcess> {
    mkdirSync(join(dir, 'logs'))
    const users = join(dir, 'users')
    await addUser(users, { name: user.username, password: user.password, role: 'admin', args: [] })
    await addUser(users, { name: 'processor', password: 'processor', role: 'host', args: ['millrace'] })
    return make('broker', '@millrace/broker/main', { listen: { port }, users }, /"listening"/)
  }

  function makeProcessor(name: string): RealProcess {
    const config = {
      name,
      dataDir: join(dir, name),
      stages: ['bridge', 'prepare', 'rules', 'notifier'],
      bridge: { url: `mqtt://127.0.0.1:${port}`, username: 'processor', password: 'processor', host: 'millrace' },
      log,
      rules,
      notifier: { to: [{ kind: 'webhook', url: webhook.url }] },
    }
    return make(name, '@millrace/cloud-processor/main', config, /"processor ready"/)
  }

  function make(name: string, specifier: string, config: object, readyWhen: RegExp): RealProcess {
    const file = join(dir, `${name}.yaml`)
    writeFileSync(file, stringify(config))
    const one = realProcess({
      name,
      command: process.execPath,
      args: [fileURLToPath(import.meta.resolve(specifier)), 'run', '--config', file],
      readyWhen,
      logFile: join(dir, 'logs', `${name}.log`),
      onUnexpectedEnd: (how) => check(false, `${name} ended by itself: ${how}`),
    })
    atEnd(() => one.stop())
    return one
  }

  /** Every assignment has one that works on it, and every processor has some. */
  async function balanced(): Promise<void> {
    const assignments = [
      'lead/0',
      'notifier/0',
      ...['prepare', 'rules'].flatMap((role) => [...Array(partitions).keys()].map((p) => `${role}/${p}`)),
    ]
    const isSo = () =>
      assignments.every((assignment) => members.holders(assignment).length === 1) && members.members().length === processorCount
    let sinceMs = performance.now()
    await until(
      'the processors assignment the work',
      () => {
        if (!isSo()) sinceMs = performance.now()
        return performance.now() - sinceMs > 3000
      },
      { withinMs: 120_000 },
    )
  }

  /** Devices whose messages and alarms are both with one processor, `wanted` if it has any. */
  function choose(wanted: string | undefined, kill: number): { victim: RealProcess; watched: Device[] } {
    const owners = Map.groupBy(fleet.devices, ({ id, node }) => {
      const prepare = members.holder(`prepare/${eye.partitionOf(`${group}/${node}`)}`)
      const rulesOwner = members.holder(`rules/${eye.partitionOf(id)}`)
      return prepare === rulesOwner ? prepare : undefined
    })
    owners.delete(undefined)
    const id = wanted && owners.has(wanted) ? wanted : [...owners.keys()][kill % owners.size]!
    const first = owners.get(id)![kill]!
    const together = owners
      .get(id)!
      .filter((one) => one.node === first.node && eye.partitionOf(one.id) === eye.partitionOf(first.id))
    return {
      victim: processors.find(({ name }) => id.startsWith(`${name}-`))!,
      watched: together.slice(kill * watchedMost, (kill + 1) * watchedMost),
    }
  }

  async function strike(victim: RealProcess, watched: Device[]) {
    const raw = eye.partitionOf(`${group}/${watched[0]!.node}`)
    const partition = eye.partitionOf(watched[0]!.id)
    const what = members.assignmentsOf(victim.name).join(' ')
    const assignment = `rules/${partition}`
    const before = members.holder(assignment)
    const ends = await endsOf(eye, { raw, timeline: partition, alarms: partition })
    await victim.kill()
    const atMs = Date.now()
    for (const device of watched) fleet.send(device, limit + 1)
    const arrived = () =>
      watched.map(({ id }) => webhook.deliveries.find((one) => one.atMs >= atMs && one.key.startsWith(`high/${id}/`))?.atMs)
    let takenMs = Number.NaN
    await until(
      'every alarm was told',
      () => {
        const holder = members.holder(assignment)
        if (Number.isNaN(takenMs) && holder !== undefined && holder !== before) takenMs = Date.now() - atMs
        return arrived().every((ms) => ms !== undefined)
      },
      { withinMs: 120_000, everyMs: 20 },
    )
    const told = arrived().map((ms) => ms! - atMs)
    const isWatched = new Set(watched.map(({ id }) => id))
    const first = async (topic: Topic, at: Place, isIt: (value: Uint8Array) => boolean) =>
      (await firstRecord(eye, topic, at, isIt)) - atMs
    return {
      what,
      takenMs,
      rawMs: await first(topics.raw, ends.raw, (value) => {
        const record = decodeRaw(value)
        return record.k === 'message' && isWatched.has(record.topic.split('/').at(-1)!)
      }),
      timelineMs: await first(topics.timeline, ends.timeline, (value) => {
        const record = decodeJson<TimelineRecord>(value)
        return record.k === 'readings' && isWatched.has(record.device)
      }),
      alarmMs: await first(topics.alarms, ends.alarms, (value) => Buffer.from(value).includes('"raised"')),
      firstMs: Math.min(...told),
      lastMs: Math.max(...told),
    }
  }
})
