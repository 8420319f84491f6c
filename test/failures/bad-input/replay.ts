/**
 * After a fix, replaying what was rejected makes everything whole, and a second replay changes nothing.
 *
 *   beds    the time stands in `sent.at`, the configuration said `at`          every reading rejected, counted
 *   rooms   the value stands in `temp.c`, the configuration said `temperature`  every message rejected whole
 *   halls   no filter of `prepare` takes the topic                              every message rejected whole
 *   early   an agent whose batches came before their birth, and two hours ahead of time
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Channel, type Columns, emptyEdgeCounts, type LedgerRecord, nodeMetrics } from '@millrace/contract'
import { declare, encodeBatch, encodeDeviceBirth, encodeNodeBirth, encodeNodeData } from '@millrace/contract/sparkplug'
import mqtt from 'mqtt'
import { endOf, readTopic } from '../../support/log-pages.ts'
import type { Program } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { group, passwords, type System } from './system.ts'

/** What was sent: every reading must be in the store once, and nothing else. */
type Truth = Map<string, { t: number; v: number }[]>

const hour = 3_600_000
const pulse = { name: 'pulse', unit: '/min' }
const temperature = { name: 'temperature', unit: 'Cel' }
const ward = {
  filter: 'plain/+/vitals',
  time: 'at',
  channels: [
    { name: 'hr', path: 'vitals.hr' },
    { name: 'label', path: 'label', kind: 'text' },
  ],
}

export const wrongPrepare = {
  plain: [
    ward,
    { filter: 'beds/+', time: 'at', channels: [{ ...pulse, path: 'hr' }] },
    { filter: 'rooms/+', time: 'at', channels: [{ ...temperature, path: 'temperature' }] },
  ],
}
const rightPrepare = {
  futureMsMax: 3 * hour,
  plain: [
    ward,
    { filter: 'beds/+', time: 'sent.at', channels: [{ ...pulse, path: 'hr' }] },
    { filter: 'rooms/+', time: 'at', channels: [{ ...temperature, path: 'temp.c' }] },
    { filter: 'halls/+', time: 'at', channels: [{ ...temperature, path: 'c' }] },
  ],
}

export async function replayRejected({ check, say }: Program, system: System, rounds: number): Promise<void> {
  const { api } = system
  const truth: Truth = new Map()
  await sendPlain(system, truth, rounds)
  await sendEarly(system, truth, rounds)
  const rejectedBefore = { 'bed-a': 2 * rounds, 'bed-b': 2 * rounds, 'early-1': truth.get('early-1/spo2')!.length }
  await until('the ledger counts them as rejected', async () => {
    const sums = await sumsOf(system)
    return Object.entries(rejectedBefore).every(([device, count]) => sums.get(device)?.rejected[0] === count)
  })
  check(
    (await storedCount(system, truth)) === 0,
    `none of ${countOf(truth)} readings is stored; the ledger counts ${JSON.stringify(rejectedBefore)} as rejected`,
  )

  await system.restartProcessor(rightPrepare)
  say('the processor runs with the corrected configuration')
  const first = await replay(system)
  await until('the readings are stored', async () => (await storedCount(system, truth)) >= countOf(truth)).catch(() => {})
  await compare(check, system, truth, 'after the replay')
  const isRedeemed = async () => {
    const sums = await sumsOf(system)
    return Object.keys(rejectedBefore).every((device) => sums.get(device)?.rejected[0] === 0 && sums.get(device)?.balanced)
  }
  await until('none of their readings is rejected', isRedeemed).catch(() => {})
  check(await isRedeemed(), `the ledger closes without rejected readings of ${Object.keys(rejectedBefore).join(', ')}`)

  const before = await pictureOf(system)
  const timelineEnd = await endOf(api, 'timeline')
  const second = await replay(system)
  await until('the second replay has passed prepare', async () => (await api.ledger()).inFlight.logRecords === 0)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const made = (await readTopic(api, 'timeline', timelineEnd)).map(({ record }) => record.k as string)
  const others = made.filter((kind) => kind !== 'tick' && kind !== 'control')
  check(first === second && first > 0, `${first} messages replayed, ${second} the second time`)
  check(
    others.length === 0,
    `the second replay adds ${others.length} records to the timeline${others.length ? `: ${[...new Set(others)]}` : ''}`,
  )
  check((await pictureOf(system)) === before, 'the second replay leaves rows, ledger and rejected topic as they were')
  await compare(check, system, truth, 'after the second replay')
}

async function replay({ api }: System): Promise<number> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.resolve('millrace')))
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'replay', 'rejected', '--url', api.url, '--json'])
  return JSON.parse(stdout).replayed
}

async function sendPlain({ ports }: System, truth: Truth, rounds: number): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, { username: 'plain', password: passwords.plain })
  const publish = (topic: string, payload: unknown) => client.publishAsync(topic, JSON.stringify(payload), { qos: 1 })
  const startMs = Date.now() - rounds * 100
  for (let k = 0; k < rounds; k++) {
    const t = startMs + k * 100
    const at = (shift: number) => ({ at: new Date(t + shift).toISOString() })
    // Two beds say the same, each in lists of two.
    for (const bed of ['bed-a', 'bed-b']) {
      await publish(`beds/${bed}`, [
        { sent: at(0), hr: 60 + (k % 7) },
        { sent: at(50), hr: 61 + (k % 5) },
      ])
      add(truth, `${bed}/pulse`, [t, t + 50], [60 + (k % 7), 61 + (k % 5)])
    }
    await publish('rooms/room-1', { at: t, temp: { c: 20 + k / 8 } })
    add(truth, 'room-1/temperature', [t], [20 + k / 8])
    await publish('halls/hall-1', { at: t, c: 18 + k / 8 })
    add(truth, 'hall-1/temperature', [t], [18 + k / 8])
  }
  await client.endAsync()
}

/** Batches as our own agent names them: first under an alias that comes to be known later, then ahead of time. */
async function sendEarly({ ports }: System, truth: Truth, rounds: number): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, { username: 'early', password: passwords.early })
  const [device, stream] = ['early-1', 'earlyearlyearly']
  const channel: Channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%' }
  const topic = (type: string) => `spBv1.0/${group}/${type}/early${type.startsWith('D') ? `/${device}` : ''}`
  const publish = (type: string, bytes: Uint8Array) => client.publishAsync(topic(type), Buffer.from(bytes))
  const timestamp = Date.now()
  let number = 0
  const batch = (t: number[], v: number[]) => {
    const columns: Columns = { channels: { spo2: { t, v } }, waves: {} }
    const name = { stream, number: ++number, count: t.length }
    const as = { aliasOf: () => 5, channelOf: () => channel, datatypeOf: () => 'Int16' as const }
    add(truth, `${device}/spo2`, t, v)
    return encodeBatch({ name, columns, timestamp, seq: number % 256, historical: false, ...as } as Parameters<
      typeof encodeBatch
    >[0])
  }
  const times = (fromMs: number) => Array.from({ length: 10 }, (_, i) => fromMs + i * 10)
  const values = (k: number) => Array.from({ length: 10 }, (_, i) => 80 + ((k + i) % 20))
  await publish('NBIRTH', encodeNodeBirth({ bdSeq: 0, timestamp }))
  for (let k = 0; k < rounds; k++) await publish('DDATA', batch(times(timestamp - hour + k * 100), values(k)))
  await publish('DBIRTH', encodeDeviceBirth(declare(device, [{ alias: 5, channel }]), { timestamp, seq: 1 }))
  for (let k = 0; k < rounds; k++) await publish('DDATA', batch(times(timestamp + 2 * hour + k * 100), values(k)))
  const read: [number, number] = [truth.get(`${device}/spo2`)!.length, 0]
  const devices = { [device]: { ...emptyEdgeCounts(), read } }
  const ledger: LedgerRecord = { f: 1, stream, through: number, devices, floors: { [stream]: 1 } }
  const metrics = { [nodeMetrics.ledger]: JSON.stringify(ledger) }
  await publish('NDATA', encodeNodeData({ name: { stream, number: number + 1, count: 0 }, metrics, timestamp, seq: 2 }))
  await client.endAsync()
}

function add(truth: Truth, series: string, t: number[], v: number[]): void {
  const points = truth.get(series) ?? []
  for (const [i, at] of t.entries()) points.push({ t: at, v: v[i]! })
  truth.set(series, points)
}

function countOf(truth: Truth): number {
  return [...truth.values()].reduce((sum, points) => sum + points.length, 0)
}

async function storedOf({ api }: System, series: string): Promise<{ t: number; v: unknown }[]> {
  const [device, channel] = series.split('/') as [string, string]
  return api.exportPoints(device, channel, 0, Date.now() + 24 * hour).catch(() => [])
}

async function storedCount(system: System, truth: Truth): Promise<number> {
  const all = await Promise.all([...truth.keys()].map((series) => storedOf(system, series)))
  return all.reduce((sum, points) => sum + points.length, 0)
}

async function compare(check: Program['check'], system: System, truth: Truth, when: string): Promise<void> {
  let wrong = 0
  for (const [series, points] of truth) {
    const wanted = points.toSorted((a, b) => a.t - b.t)
    const stored = (await storedOf(system, series)).map(({ t, v }) => ({ t, v }))
    if (JSON.stringify(stored) !== JSON.stringify(wanted)) wrong++
  }
  const { collapsed } = (await system.api.ledger()).total
  check(
    wrong === 0 && collapsed[0] === 0,
    `${when} ${countOf(truth)} readings of ${truth.size} series are stored, each once, with their times and values${wrong ? `: ${wrong} series differ` : ''}`,
  )
}

async function sumsOf({ api }: System) {
  const { devices } = await api.ledger()
  return new Map(devices.map((sum) => [sum.device, sum]))
}

/** Everything that a second replay must not change. */
async function pictureOf(system: System): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 1000)) // the ledger is cached for a second
  const { rows, stored } = await system.api.ledger()
  return JSON.stringify({ rows, stored, rejected: await endOf(system.api, 'rejected') })
}
