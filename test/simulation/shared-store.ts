/**
 * A store without transactions, as InfluxDB is: rows stand under their identity (series, time), so that writing them again
 * changes nothing. A write may fail half done, and goes on when its process is gone. Each process keeps the position, marks
 * and counts of a partition in the log's snapshots, now and then, and never ahead of its rows.
 */
import type { LogRecord } from '@millrace/cloud-processor/log'
import { type Kept, type Marks, pass, type Refused } from '@millrace/cloud-processor/stage'
import type { Store } from '@millrace/cloud-processor/stores'
import { addTally, countReadings, countSamples, decodeJson, type Tally, type TimelineRecord } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import { unread } from './processor.ts'
import type { Random } from './random.ts'
import { difference } from './store-disk.ts'
import type { Process, World } from './world.ts'

export interface SharedStore {
  /** `device/channel` to the values by time. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<number, unknown>>
  /** What any process found wrong at a cut, or wrote over another value. */
  readonly wrong: string[]
  setFaults(error: number): void
  open(process: Process): Store
  readonly struck: { halfWrites: number }
}

/** What one process keeps of a partition. */
interface Place {
  kept: Kept
  next: number
  marks: Marks
  stored: Map<string, Tally>
  savedMs: number
}

const saveEveryMs = 900

export function createSharedStore(world: World, random: Random): SharedStore {
  const rows = new Map<string, Map<number, unknown>>()
  const wrong: string[] = []
  const struck = { halfWrites: 0 }
  let errorChance = 0

  function put(timeline: TimelineRecord): void {
    if (timeline.k !== 'readings') return
    for (const [channel, { t, v }] of Object.entries(timeline.channels)) putRows(`${timeline.device}/${channel}`, t, v)
    for (const [channel, segments] of Object.entries(timeline.waves))
      for (const { t, i, v } of segments)
        putRows(
          `${timeline.device}/${channel}`,
          v.map((_, k) => Math.round(t + k * i)),
          v,
        )
  }

  function putRows(series: string, t: number[], v: unknown[]): void {
    const values = rows.get(series) ?? new Map<number, unknown>()
    rows.set(series, values)
    t.forEach((time, i) => {
      if (values.has(time) && values.get(time) !== v[i]) wrong.push(`${series} at ${time} was ${values.get(time)}, then ${v[i]}`)
      values.set(time, v[i])
    })
  }

  return {
    rows,
    wrong,
    struck,
    setFaults(error) {
      errorChance = error
    },
    open(process) {
      const places = new Map<number, Place>()

      async function open(_log: string, partition: number, kept?: Kept): Promise<number> {
        const snapshot = await kept!.load()
        const { marks, stored } = snapshot ? JSON.parse(Buffer.from(snapshot.state).toString()) : { marks: {}, stored: [] }
        const next = snapshot?.next ?? 0
        places.set(partition, { kept: kept!, next, marks, stored: new Map(stored), savedMs: world.nowMs })
        return next
      }

      async function write(partition: number, records: LogRecord[]): Promise<Refused[]> {
        const place = places.get(partition)!
        // What was written so far is there: the position may follow.
        if (world.nowMs - place.savedMs >= saveEveryMs) await save(place)
        const marks = { ...place.marks }
        const fresh = records.filter(({ offset, source }) => offset >= place.next && pass(marks, source))
        const timeline = fresh.map(({ value }) => decodeJson<TimelineRecord>(value))
        await send(timeline)
        for (const record of timeline) count(place, record)
        place.marks = marks
        place.next = records.at(-1)!.offset + 1
        return []
      }

      function send(timeline: TimelineRecord[]): Promise<void> {
        return new Promise((resolve, reject) => {
          world.at(0.5 + 3 * random.next(), () => {
            if (random.next() >= errorChance) {
              timeline.forEach(put)
              return void world.at(0.5, () => process.deliver(resolve))
            }
            struck.halfWrites++
            timeline.slice(0, random.below(timeline.length + 1)).forEach(put)
            world.at(100, () =>
              process.deliver(() => reject(new MillraceError('STORE_WRITE', { path: 'simulated', detail: 'no answer' }))),
            )
          })
        })
      }

      function count(place: Place, record: TimelineRecord): void {
        if (record.k === 'cut') {
          for (const device of Object.keys(record.devices)) {
            const found = difference(place, record, device)
            if (found !== 0) wrong.push(`a process found ${device} to differ by ${found} at ${record.stream}/${record.through}`)
          }
        }
        if (record.k !== 'readings') return
        const key = `${record.stream}/${record.device}`
        const tally: Tally = [...(place.stored.get(key) ?? [0, 0])]
        addTally(tally, [countReadings(record), countSamples(record)])
        place.stored.set(key, tally)
      }

      async function save(place: Place): Promise<void> {
        const state = Buffer.from(JSON.stringify({ marks: place.marks, stored: [...place.stored] }))
        place.savedMs = world.nowMs
        await place.kept.save({ next: place.next, state })
      }

      return { ...unread, isShared: true, open, write, close: async () => {} }
    },
  }
}
