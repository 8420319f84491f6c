/** The contract of sink.ts as a test suite, for an engine that runs: `describeSink('kafka', makePlace)`. */
import { spawn } from 'node:child_process'
import type { Topic } from '@millrace/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogRecord } from '../log/log.ts'
import type { Sink } from './sink.ts'

export interface Found {
  id: string
  /** Of the record's source. */
  offset: number
}

/** Where one sink writes to; every place is empty at first, though the engine may be the same. */
export interface SinkPlace {
  open(): Promise<Sink>
  topic: Topic
  /** A record of that topic from which the sink makes one thing to be found. Its source has the same offset. */
  record(offset: number): LogRecord
  /** Records that it never takes, each for another reason, from that offset on. */
  poison(offset: number): LogRecord[]
  /** All that is there, in the order in which somebody reads it. */
  found(): Promise<Found[]>
  down(): Promise<void>
  up(): Promise<void>
  /** Arguments for a process that writes `record`s from offset 0 on, 20 a time, and prints the next offset when they are durable. */
  writer: string[]
  remove(): Promise<void>
}

export function describeSink(name: string, makePlace: () => Promise<SinkPlace>): void {
  describe(`a sink: ${name}`, () => {
    let place: SinkPlace
    let sink: Sink
    beforeAll(async () => {
      place = await makePlace()
      sink = await place.open()
    }, 200_000)
    afterAll(async () => {
      await sink?.close()
      await place?.remove()
    })

    const write = (records: LogRecord[], to = sink) => to.write('log-a', place.topic, 0, records)
    const some = (from: number, count: number) => Array.from({ length: count }, (_, k) => place.record(from + k))
    const offsetsOf = (records: { offset: number }[]) => records.map(({ offset }) => offset)
    const foundOf = async (from: number, count: number) =>
      (await place.found()).filter(({ offset }) => offset >= from && offset < from + count)

    test('writes what it wants in order, each under an id of its own', async () => {
      expect(sink.topics).toContain(place.topic)
      expect(await write(some(0, 30))).toEqual([])
      const found = await foundOf(0, 30)
      expect(offsetsOf(found)).toEqual(offsetsOf(some(0, 30)))
      expect(new Set(found.map(({ id }) => id)).size).toBe(30)
    })

    test('gives a record that comes again the id that it had, under whatever offset it comes', async () => {
      const records = some(100, 20)
      await write(records)
      const ids = new Set((await foundOf(100, 20)).map(({ id }) => id))
      await write(records)
      await write(records.map((record) => ({ ...record, offset: record.offset + 5000 })))
      const found = await foundOf(100, 20)
      expect(found).toHaveLength(sink.isIdempotent ? 20 : 60)
      expect(new Set(found.map(({ id }) => id))).toEqual(ids)
      expect(ids.size).toBe(20)
    })

    test('refuses what it never takes by name, with its bytes, and writes the neighbours', async () => {
      const poison = place.poison(205)
      const after = 205 + poison.length
      const refused = await write([...some(200, 5), ...poison, ...some(after, 5)])
      expect(offsetsOf(refused)).toEqual(offsetsOf(poison))
      for (const [k, { rejected }] of refused.entries()) {
        expect(rejected).toMatchObject({ at: 'store', lost: [0, 0], reason: expect.stringMatching(/_REFUSED$/) })
        expect(rejected.detail.length).toBeGreaterThan(10)
        expect(Buffer.from(rejected.bytesBase64, 'base64').equals(poison[k]!.value)).toBe(true)
      }
      const neighbours = new Set(offsetsOf(await foundOf(200, after - 200 + 5)))
      expect([...neighbours].sort((a, b) => a - b)).toEqual(offsetsOf([...some(200, 5), ...some(after, 5)]))
    })

    test('restores what it saved, and goes on as if it had never stopped', async () => {
      const saved = sink.memory?.save(place.topic, 0)
      const other = await place.open()
      other.memory?.restore(place.topic, 0, saved === undefined ? undefined : JSON.parse(JSON.stringify(saved)))
      expect(await write(some(300, 5), other)).toEqual([])
      expect(other.memory?.save(place.topic, 0)).toEqual(saved)
      await other.close()
      expect(await foundOf(300, 5)).toHaveLength(5)
    })

    test('says that the engine is gone, and writes all of it once it is back', async () => {
      const records = some(400, 200)
      await place.down()
      await expect(write(records)).rejects.toMatchObject({ code: 'STORE_WRITE', retry: true })
      const opened = await place.open()
      await expect(write(records, opened)).rejects.toMatchObject({ retry: true })
      await place.up()
      await insist(() => write(records))
      await insist(() => write(records, opened))
      await opened.close()
      expect(new Set(offsetsOf(await foundOf(400, 200))).size).toBe(200)
    }, 200_000)

    test('takes nothing any more when it is closed', async () => {
      const closed = await place.open()
      await closed.close()
      await expect(write(some(700, 1), closed)).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    })

    test('misses nothing when a writer is killed in the middle, and what is there twice has one id', async () => {
      for (const enough of [200, 460]) {
        const place = await makePlace()
        try {
          const durable = await writeUntilKilled(place, enough)
          const fresh = await place.open()
          const all = Array.from({ length: durable + 40 }, (_, offset) => place.record(offset))
          // It knows no more than what the one that was killed said last but one.
          await write(all.slice(durable - 20), fresh)
          await fresh.close()
          expectEach(await place.found(), offsetsOf(all), fresh.isIdempotent)
        } finally {
          await place.remove()
        }
      }
    }, 200_000)
  })
}

function expectEach(found: Found[], offsets: number[], isIdempotent: boolean): void {
  const idOf = new Map(found.map(({ offset, id }) => [offset, id]))
  expect([...idOf.keys()].sort((a, b) => a - b)).toEqual(offsets)
  expect(new Set(idOf.values()).size).toBe(offsets.length)
  for (const { offset, id } of found) expect(id).toBe(idOf.get(offset))
  if (isIdempotent) expect(found).toHaveLength(offsets.length)
  else expect(found.length).toBeGreaterThan(offsets.length)
}

/** As the runner does. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (const untilMs = performance.now() + 60_000; ; ) {
    try {
      return await work()
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

/** Kills the process while it writes, once it has said that so many records are durable, and returns how many it said. */
export async function writeUntilKilled({ writer }: Pick<SinkPlace, 'writer'>, enough: number): Promise<number> {
  const child = spawn(process.execPath, writer, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  const ended = new Promise((resolve) => child.on('close', resolve))
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (Number(said.trimEnd().split('\n').at(-1)) >= enough) child.kill('SIGKILL')
  })
  await ended
  return Number(said.trimEnd().split('\n').at(-1))
}
