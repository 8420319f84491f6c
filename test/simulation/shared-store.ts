/**
 * A store without transactions, as VictoriaMetrics is: rows stand under their identity (series, time), so that writing them
 * again changes nothing. A write may fail half done, and goes on when its process is gone. Each process keeps the position,
 * marks and counts of a partition in the log's snapshots, now and then, and never ahead of its rows.
 *
 * A reading whose series has written as far is suspect: the store is asked whether it holds its time, and what it holds has
 * collapsed. That is decided once and kept before the rows are written, or a replay would find what it wrote itself. A second
 * writer of a partition does find what the first one wrote: `collapsed` is then more than the timeline has.
 */
import type { LogRecord } from '@millrace/cloud-processor/log'
import { type Kept, type Marks, pass, type Refused } from '@millrace/cloud-processor/stage'
import type { Store } from '@millrace/cloud-processor/stores'
import {
  addTally,
  countReadings,
  countSamples,
  decodeJson,
  type ReadingsRecord,
  type Tally,
  type TimelineRecord,
} from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import { unread } from './processor.ts'
import type { Random } from './random.ts'
import { difference } from './store-disk.ts'
import type { Process, World } from './world.ts'

export interface SharedStore {
  /** `device/channel` to the values by time. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<number, unknown>>
  /** By device what any process decided to be written over, each reading and sample of a record once. */
  readonly collapsed: ReadonlyMap<string, ReadonlySet<string>>
  /** What any process found wrong at a cut, or wrote over another value. */
  readonly wrong: string[]
  setFaults(error: number): void
  open(process: Process): Store
  readonly struck: { halfWrites: number; suspects: number }
}

/** The store itself, which outlives every process. */
interface Engine {
  world: World
  random: Random
  errorChance: number
  rows: Map<string, Map<number, unknown>>
  collapsed: Map<string, Set<string>>
  wrong: string[]
  struck: { halfWrites: number; suspects: number }
}

/** What comes of the records of a partition, whichever process writes them. */
interface Account {
  next: number
  marks: Marks
  /** By stream and device. */
  stored: Map<string, Tally>
  /** By series: the newest time written. */
  newest: Map<string, number>
}

/** What one process keeps of a partition. */
interface Place {
  partition: number
  kept: Kept
  account: Account
  /** As in the newest snapshot. */
  base: { next: number; account: string }
  /** Series of a record that were suspect: what was decided counts for good. */
  decided: Set<string>
  savedMs: number
}

/** One series of a record. */
interface Piece {
  offset: number
  device: string
  series: string
  t: number[]
  v: unknown[]
  isSuspect: boolean
}

const saveEveryMs = 900

export function createSharedStore(world: World, random: Random): SharedStore {
  const struck = { halfWrites: 0, suspects: 0 }
  const engine: Engine = { world, random, errorChance: 0, rows: new Map(), collapsed: new Map(), wrong: [], struck }
  return {
    rows: engine.rows,
    collapsed: engine.collapsed,
    wrong: engine.wrong,
    struck,
    setFaults(error) {
      engine.errorChance = error
    },
    open(process) {
      const places = new Map<number, Place>()
      return {
        ...unread,
        isShared: true,
        async open(_log, partition, kept) {
          const place = await load(partition, kept!, world.nowMs)
          places.set(partition, place)
          return place.account.next
        },
        write: (partition, records) => write(engine, process, places.get(partition)!, records),
        close: async () => {},
      }
    },
  }
}

async function load(partition: number, kept: Kept, nowMs: number): Promise<Place> {
  const snapshot = await kept.load()
  const { account, decided } = snapshot
    ? JSON.parse(Buffer.from(snapshot.state).toString())
    : { account: pack({ next: 0, marks: {}, stored: new Map(), newest: new Map() }), decided: [] }
  const base = { next: snapshot?.next ?? 0, account }
  return { partition, kept, account: unpack(account), base, decided: new Set(decided), savedMs: nowMs }
}

const pack = ({ next, marks, stored, newest }: Account) =>
  JSON.stringify({ next, marks, stored: [...stored], newest: [...newest] })

function unpack(text: string): Account {
  const { next, marks, stored, newest } = JSON.parse(text)
  return { next, marks, stored: new Map(stored), newest: new Map(newest) }
}

async function save({ kept, base, decided }: Place): Promise<void> {
  await kept.save({ next: base.next, state: Buffer.from(JSON.stringify({ account: base.account, decided: [...decided] })) })
}

/** One pass, as of the accounting of the real stores. After a failure the place is loaded again. */
async function write(engine: Engine, process: Process, place: Place, records: LogRecord[]): Promise<Refused[]> {
  const { account } = place
  if (engine.world.nowMs - place.savedMs >= saveEveryMs) await savePosition(place, engine.world.nowMs)
  const fresh = records.filter(({ offset, source }) => offset >= account.next && pass(account.marks, source))
  const timeline = fresh.map(({ offset, value }) => ({ offset, record: decodeJson<TimelineRecord>(value) }))
  const pieces = timeline.flatMap(({ offset, record }) => (record.k === 'readings' ? survey(account, offset, record) : []))
  const isAsked = ({ offset, series, isSuspect }: Piece) => isSuspect && !place.decided.has(`${offset} ${series}`)
  if (pieces.some(isAsked)) {
    await ask(engine, process, () => decide(engine, place, pieces, isAsked))
    await save(place)
  }
  await send(engine, process, pieces)
  for (const { record } of timeline) count(engine, account, record)
  account.next = records.at(-1)!.offset + 1
  return []
}

/** What was written so far is there: the position may follow. */
async function savePosition(place: Place, nowMs: number): Promise<void> {
  place.savedMs = nowMs
  place.base = { next: place.account.next, account: pack(place.account) }
  for (const key of place.decided) if (Number.parseInt(key, 10) < place.base.next) place.decided.delete(key)
  await save(place)
}

function survey(account: Account, offset: number, { device, channels, waves }: ReadingsRecord): Piece[] {
  const pieces: Piece[] = []
  const add = (channel: string, t: number[], v: unknown[]) => {
    const series = `${device}/${channel}`
    const newest = account.newest.get(series) ?? Number.NEGATIVE_INFINITY
    pieces.push({ offset, device, series, t, v, isSuspect: Math.min(...t) <= newest })
    account.newest.set(series, Math.max(newest, ...t))
  }
  for (const [channel, { t, v }] of Object.entries(channels)) add(channel, t, v)
  for (const [channel, segments] of Object.entries(waves))
    for (const { t, i, v } of segments)
      add(
        channel,
        v.map((_, k) => Math.round(t + k * i)),
        v,
      )
  return pieces
}

/** What earlier pieces of the same write will write counts as held. */
function decide({ rows, collapsed, struck }: Engine, place: Place, pieces: Piece[], isAsked: (piece: Piece) => boolean): void {
  const asked = pieces.filter(isAsked)
  const earlier = new Set<string>()
  for (const piece of pieces) {
    const { offset, device, series, t } = piece
    for (const time of t) {
      const isHeld = rows.get(series)?.has(time) || earlier.has(`${series} ${time}`)
      earlier.add(`${series} ${time}`)
      if (!isHeld || !asked.includes(piece)) continue
      const all = collapsed.get(device) ?? new Set()
      collapsed.set(device, all.add(`${place.partition}/${offset} ${series} ${time}`))
    }
  }
  struck.suspects += asked.length
  for (const { offset, series } of asked) place.decided.add(`${offset} ${series}`)
}

function ask(engine: Engine, process: Process, answer: () => void): Promise<void> {
  return new Promise((resolve) => {
    engine.world.at(0.5 + engine.random.next(), () =>
      process.deliver(() => {
        answer()
        resolve()
      }),
    )
  })
}

function send({ world, random, errorChance, struck, ...engine }: Engine, process: Process, pieces: Piece[]): Promise<void> {
  return new Promise((resolve, reject) => {
    world.at(0.5 + 3 * random.next(), () => {
      if (random.next() >= errorChance) {
        put(engine, pieces)
        return void world.at(0.5, () => process.deliver(resolve))
      }
      struck.halfWrites++
      put(engine, pieces.slice(0, random.below(pieces.length + 1)))
      world.at(100, () =>
        process.deliver(() => reject(new MillraceError('STORE_WRITE', { path: 'simulated', detail: 'no answer' }))),
      )
    })
  })
}

function put({ rows, wrong }: Pick<Engine, 'rows' | 'wrong'>, pieces: Piece[]): void {
  for (const { series, t, v } of pieces) {
    const values = rows.get(series) ?? new Map<number, unknown>()
    rows.set(series, values)
    t.forEach((time, i) => {
      if (values.has(time) && values.get(time) !== v[i]) wrong.push(`${series} at ${time} was ${values.get(time)}, then ${v[i]}`)
      values.set(time, v[i])
    })
  }
}

function count({ wrong }: Engine, account: Account, record: TimelineRecord): void {
  if (record.k === 'cut') {
    for (const device of Object.keys(record.devices)) {
      const found = difference(account, record, device)
      if (found !== 0) wrong.push(`a process found ${device} to differ by ${found} at ${record.stream}/${record.through}`)
    }
  }
  if (record.k !== 'readings') return
  const key = `${record.stream}/${record.device}`
  const tally: Tally = [...(account.stored.get(key) ?? [0, 0])]
  addTally(tally, [countReadings(record), countSamples(record)])
  account.stored.set(key, tally)
}
