/**
 * The outbox as the agent uses it: two devices, commits of readings and waveform samples, receipts for some of what was
 * committed, in every third round a bound so small that it evicts.
 *
 * Said, a line each: `entries` with [number, device, first index, readings] of what became durable; `released` with numbers,
 * before they are released; `told` with gap records, before those are released.
 */
import { join } from 'node:path'
import { type Columns, emptyEdgeCounts, type GapRecord, inRanges, type LedgerRecord } from '@millrace/contract'
import {
  type Content,
  type Drained,
  type Entry,
  type Outbox,
  openOutbox,
  outboxSchema,
  sqliteStorage,
} from '@millrace/edge-agent/outbox'
import { createMetrics, type Log, systemClock } from '@millrace/platform'
import { createRandom } from '../../simulation/random.ts'
import { type Found, itemValue, nothingFound, type Said, type Subject } from './subject.ts'

const t0 = Date.UTC(2026, 0, 1)
const samplesOf = 5
const devices = ['a', 'b']
const file = 'outbox.sqlite'

type Data = [number: number, device: string, first: number, count: number]

export const outbox: Subject = { write, check, file }

async function open(folder: string, seed: number, problems: string[]): Promise<Outbox> {
  const complain = (message: string, fields?: unknown) => void problems.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { info() {}, warn: complain, error: complain }
  const options = outboxSchema.parse({
    ledgerEveryMs: 50,
    releaseMs: 10,
    freeDiskMin: 0,
    ...(seed % 3 === 0 ? { bytesMax: 40_000 } : {}),
  })
  return openOutbox(sqliteStorage(join(folder, file)), options, { clock: systemClock, log, metrics: createMetrics() })
}

async function write(folder: string, seed: number, say: (line: Said) => void): Promise<void> {
  const random = createRandom(seed, 'outbox')
  const problems: string[] = []
  const outbox = await open(folder, seed, problems)
  for (const device of devices)
    await outbox.declare(device, [
      { name: 'pulse', kind: 'number', datatype: 'Int32', unit: '/min' },
      { name: 'pleth', kind: 'waveform', datatype: 'Int32Array', unit: '1', intervalMs: 1 },
    ])
  const next: Record<string, number> = { a: 0, b: 0 }
  let held: Entry[] = []
  say(['stream', outbox.stream])
  for (;;) {
    const drained = devices.map((device) => drain(device, seed, next, 1 + random.below(40)))
    if (!(await outbox.commit(drained))) throw new Error(`the outbox refused: ${problems.at(-1)}`)
    const fresh = [...outbox.next('backlog', 1e6), ...outbox.next('live', 1e6)]
    for (const entry of fresh) outbox.take(entry)
    const data = fresh.filter(({ kind }) => kind === 'data')
    say(['entries', data.map(({ number, device, first, count }): Data => [number, device, first - t0, count])])
    held = [...held, ...fresh].filter((entry) => outbox.has(entry))
    if (outbox.hasGap() && random.next() < 0.1) await outbox.issueGap()
    if (random.next() < 0.2) held = await release(outbox, held, () => random.next() < 0.5, say)
  }
}

function drain(device: string, seed: number, next: Record<string, number>, count: number): Drained {
  const first = next[device]!
  next[device] = first + count
  const indexes = Array.from({ length: count }, (_, k) => first + k)
  const columns: Columns = {
    channels: { pulse: { t: indexes.map((n) => t0 + n), v: indexes.map((n) => itemValue(seed, n)) } },
    waves: { pleth: [{ t: t0 + first, i: 1, v: Array.from({ length: samplesOf }, (_, k) => itemValue(seed + 1, first + k)) }] },
  }
  return { device, columns, bad: [], counts: { ...emptyEdgeCounts(), read: [count, samplesOf], frames: [count, 0] } }
}

/** Some of them, as receipts come: in any order. Returns what is still held. */
async function release(outbox: Outbox, held: Entry[], chosen: () => boolean, say: (line: Said) => void): Promise<Entry[]> {
  const freed = new Set(held.filter(chosen))
  const gaps = await outbox.load([...freed].filter(({ kind }) => kind === 'gap'))
  say(['told', [...gaps.values()].map((content) => record<GapRecord>(content))])
  say(['released', [...freed].map(({ number }) => number)])
  outbox.release([...freed])
  return held.filter((entry) => !freed.has(entry))
}

async function check(folder: string, seed: number, said: Said[]): Promise<Found> {
  const found = nothingFound()
  const stream = said.find(([what]) => what === 'stream')?.[1] as string
  const of = <T>(what: string) => said.filter(([each]) => each === what).flatMap(([, list]) => list as T[])
  const outbox = await open(folder, seed, found.problems)
  await outbox.issueGap()
  const entries = [...outbox.next('backlog', 1e6), ...outbox.next('live', 1e6)]
  const contents = await outbox.load(entries)
  const records = <T>(kind: Entry['kind']) => entries.filter((e) => e.kind === kind).map((e) => record<T>(contents.get(e)!))

  const data = entries.filter((entry) => entry.kind === 'data' && entry.stream === stream)
  const here = new Map(data.map((entry) => [entry.number, entry]))
  found.doubled = data.length - here.size
  if (entries.some((entry, k) => k > 0 && entry.id <= entries[k - 1]!.id)) found.problems.push('entries are out of order')
  for (const entry of data) found.altered += alteredIn(outbox, entry, contents.get(entry), seed)

  const released = new Set(of<number>('released'))
  const gaps = [...of<GapRecord>('told'), ...records<GapRecord>('gap')].filter((gap) => gap.stream === stream)
  const acknowledged = of<Data>('entries')
  for (const [number, device, first, count] of acknowledged) {
    found.acknowledged += count
    const entry = here.get(number)
    const isTold = gaps.some(({ numbers }) => inRanges(numbers, number))
    if (entry && isTold) found.problems.push(`number ${number} is told as evicted and is here`)
    if (entry && (entry.device !== device || entry.first !== t0 + first || entry.count !== count)) found.altered += count
    if (!entry && !isTold && !released.has(number)) found.lost += count
  }
  compareCounts(
    found,
    acknowledged,
    data,
    records<LedgerRecord>('ledger').find((each) => each.stream === stream && each.closed),
  )
  found.covered = {
    released: released.size,
    evicted: gaps.flatMap(({ numbers }) => numbers).reduce((n, [a, b]) => n + b - a + 1, 0),
  }
  await outbox.close()
  return found
}

/** Readings of an entry that are not what was written under their times. */
function alteredIn(outbox: Outbox, entry: Entry, content: Content | undefined, seed: number): number {
  if (!content || !('batch' in content)) return entry.count
  const { channels, waves } = content.batch.columns
  const alias = (name: string) =>
    `${outbox.declaration(entry.declaration)?.channels.find(({ channel }) => channel.name === name)?.alias}`
  const { t, v } = channels[alias('pulse')] ?? { t: [], v: [] }
  const wave = waves[alias('pleth')]?.[0]
  const wrong = t.filter((at, k) => at !== entry.first + k || v[k] !== itemValue(seed, at - t0)).length
  const isWaveRight =
    wave?.v.length === samplesOf &&
    wave.t === entry.first &&
    wave.v.every((value, k) => value === itemValue(seed + 1, wave.t - t0 + k))
  return wrong + (t.length === entry.count ? 0 : 1) + (isWaveRight ? 0 : 1)
}

/** The closing ledger record counts, for each device, exactly what was durable: said or not. */
function compareCounts(found: Found, acknowledged: Data[], data: Entry[], closing: LedgerRecord | undefined): void {
  if (!closing) return void found.problems.push('the stream has no closing ledger record')
  const last = Math.max(0, ...acknowledged.map(([number]) => number))
  if (closing.through < last) found.problems.push(`the ledger ends at ${closing.through}, but ${last} was acknowledged`)
  const unsaid = data.filter(({ number }) => number > last)
  for (const device of devices) {
    const beyond = unsaid.filter((entry) => entry.device === device).reduce((sum, { count }) => sum + count, 0)
    const counted = closing.devices[device]?.read[0] ?? 0
    const saidOf = acknowledged.filter(([, each]) => each === device).reduce((sum, [, , , count]) => sum + count, 0)
    found.beyond += beyond
    if (counted !== saidOf + beyond) found.problems.push(`${device}: counted ${counted} read, durable ${saidOf} + ${beyond}`)
  }
}

function record<T>(content: Content): T {
  return JSON.parse('text' in content ? content.text : '{}') as T
}
