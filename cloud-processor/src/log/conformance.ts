/** The contract of log.ts as a test suite. Every log runs it: `describeLog('embedded', makePlace)`. */
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Topic, topics } from '@millrace/contract'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Marks, pass } from '../stage/marks.ts'
import type { Log, LogRecord, NewRecord } from './log.ts'

export interface LogSettings {
  partitions?: number
  /** Refuse appends above this size. */
  bytesMax?: number
  /** Of every topic. */
  retentionBytes?: number
}

/** Where one log's data lives. */
export interface LogPlace {
  open(settings?: LogSettings): Promise<Log>
  /** Deletes the data, as if the disk had been replaced. */
  wipe(): Promise<void>
  remove(): Promise<void>
  /** Several processes may open it at once. */
  isShared?: boolean
  /** Runs `work` while writes are refused, or get no answer. */
  whileRefusing<T>(work: () => Promise<T>): Promise<T>
  /** A process that appends to `millrace.raw`, partition 0, records whose value is their number from 0 on, and writes each offset as a line once it is durable. */
  spawnAppender(): ChildProcess
}

const everything = { records: 1e6, bytes: 1e9 }
const { raw, timeline, alarms } = topics

export function describeLog(name: string, makePlace: () => Promise<LogPlace>): void {
  describe(`log ${name}`, () => {
    let place: LogPlace
    let log: Log
    const reopen = async (settings?: LogSettings) => {
      await log.close()
      log = await place.open(settings)
    }
    beforeEach(async () => {
      place = await makePlace()
      log = await place.open()
    })
    afterEach(async () => {
      await log.close()
      await place.remove()
    })

    test('gives back what was appended: key, value, source, and offsets that rise', async () => {
      const source = { log: 'a', partition: 3, offset: 2 ** 40, index: 7 }
      const before = Date.now()
      const first = await log.append(raw, 0, [record('one'), { ...record('zwei \u{1f600}', 'Schlüssel'), source }, record('')])
      const found = await log.read(raw, 0, first, everything)
      expect(found.map((r) => [r.key, text(r.value), r.source])).toEqual([
        ['k', 'one', undefined],
        ['Schlüssel', 'zwei \u{1f600}', source],
        ['k', '', undefined],
      ])
      expect(found.every((r, k) => k === 0 || r.offset > found[k - 1]!.offset)).toBe(true)
      expect(found[0]!.timeMs).toBeGreaterThanOrEqual(before)
      await reopen()
      expect((await log.read(raw, 0, first, everything)).map(plain)).toEqual(found.map(plain))
    })

    test('keeps the order of appends that wait together', async () => {
      const firsts = await Promise.all(Array.from({ length: 500 }, (_, n) => log.append(raw, 0, [record(`${n}`)])))
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b))
      expect(await values(log, raw)).toEqual(firsts.map((_, n) => `${n}`))
    })

    test('keeps topics and partitions apart', async () => {
      await reopenFresh({ partitions: 3 })
      await Promise.all([0, 1, 2].map((p) => log.append(raw, p, [record(`raw ${p}`)])))
      await log.append(alarms, 1, [record('alarm')])
      expect(await values(log, raw, 1)).toEqual(['raw 1'])
      expect(await values(log, alarms, 1)).toEqual(['alarm'])
      expect(await values(log, alarms, 0)).toEqual([])
      expect(log.partitions).toBe(3)
    })

    test('sends a key to the partition that its FNV-1a hash names', async () => {
      await reopenFresh({ partitions: 7 })
      expect(['', 'a', 'foobar', 'ü'].map((key) => log.partitionOf(key))).toEqual(
        [0x811c9dc5, 0xe40c292c, 0xbf9cf968, fnv([0xc3, 0xbc])].map((hash) => hash % 7),
      )
    })

    test('reads at most the records asked for, about the bytes asked for, and at least one', async () => {
      await log.append(
        raw,
        0,
        Array.from({ length: 100 }, (_, n) => record(`${n}`.padEnd(1000))),
      )
      for (const again of [false, true]) {
        if (again) await reopen()
        const { start } = await log.bounds(raw, 0)
        expect(await log.read(raw, 0, start, { records: 7, bytes: 1e9 })).toHaveLength(7)
        const some = await log.read(raw, 0, start, { records: 1e6, bytes: 10_000 })
        expect(some.length).toBeGreaterThanOrEqual(9)
        expect(some.length).toBeLessThanOrEqual(12)
        expect(await log.read(raw, 0, start, { records: 1e6, bytes: 1 })).toHaveLength(1)
      }
    })

    test('says its bounds, and reads nothing at its end', async () => {
      const { end } = await log.bounds(raw, 0)
      await log.append(raw, 0, [record('x')])
      const after = await log.bounds(raw, 0)
      expect(after.end).toBeGreaterThan(end)
      expect(await log.read(raw, 0, after.end, everything)).toEqual([])
    })

    test('refuses an offset beyond its end instead of waiting for it silently', async () => {
      const { end } = await log.bounds(raw, 0)
      await expect(log.read(raw, 0, end + 10, everything)).rejects.toMatchObject({ code: 'LOG_OFFSET_GONE' })
    })

    test('tells listeners the next offset, only after the records can be read, until they unsubscribe', async () => {
      const seen: [number, number, number][] = []
      const unsubscribe = log.onAppend(raw, async (partition, end) => {
        seen.push([partition, end, (await log.read(raw, partition, end - 1, everything)).length])
      })
      const first = await log.append(raw, 0, [record('a'), record('b')])
      await log.append(alarms, 0, [record('elsewhere')])
      await until(() => seen.length > 0)
      expect(seen).toEqual([[0, first + 2, 1]])
      unsubscribe()
      await log.append(raw, 0, [record('c')])
      expect(seen).toHaveLength(1)
    })

    test('puts outputs and snapshot in one step, and gives the newest snapshot back', async () => {
      expect(await log.loadSnapshot('prepare', 0)).toBeUndefined()
      await log.commit({ ...step([output(0, 0)]), snapshot: { next: 1, state: Buffer.from('one') } })
      await log.commit({ ...step([output(1, 0)]), snapshot: { next: 2, state: Buffer.from('two') } })
      await reopen()
      const found = await log.loadSnapshot('prepare', 0)
      expect({ next: found?.next, state: text(found!.state) }).toEqual({ next: 2, state: 'two' })
      expect(await log.loadSnapshot('rules', 0)).toBeUndefined()
      expect(await log.loadSnapshot('prepare', 1)).toBeUndefined()
      expect(await values(log, timeline)).toEqual(['0.0', '1.0'])
    })

    test('gives each output once to a reader that follows the rule of marks, also after a restart and inside one step', async () => {
      await log.commit(step([output(5, 0), output(5, 1), output(6, 0)]))
      await log.commit(step([output(5, 1), output(6, 0), output(6, 1)]))
      await Promise.all([log.commit(step([output(7, 0)])), log.commit(step([output(7, 0), output(7, 0), output(8, 0)]))])
      await reopen()
      await log.commit(step([output(7, 0), output(8, 0), output(9, 2)]))
      expect(await unrepeated(log, timeline)).toEqual(['5.0', '5.1', '6.0', '6.1', '7.0', '8.0', '9.2'])
    })

    test('keeps apart the outputs of each source log and source partition, in each topic', async () => {
      await log.commit(step([output(9, 0)]))
      await log.commit(step([output(1, 0, { partition: 1 }), output(2, 0, { log: 'anew' })]))
      await log.commit({ stage: 'prepare', partition: 0, outputs: [{ topic: alarms, partition: 0, records: [output(3, 0)] }] })
      await log.commit(step([output(8, 0)]))
      expect(await unrepeated(log, timeline)).toEqual(['9.0', '1.0', '2.0'])
      expect(await values(log, alarms)).toEqual(['3.0'])
    })

    test('writes one step to several topics', async () => {
      const outputs = [timeline, alarms].map((topic) => ({ topic, partition: 0, records: [output(0, 0)] }))
      await log.commit({ stage: 'prepare', partition: 0, outputs })
      expect([await values(log, timeline), await values(log, alarms)]).toEqual([['0.0'], ['0.0']])
    })

    test('gives back the later of two snapshots at one offset', async () => {
      for (const state of ['first', 'second', 'third'])
        await log.commit({ stage: 'store', partition: 0, outputs: [], snapshot: { next: 3, state: Buffer.from(state) } })
      expect(`${Buffer.from((await log.loadSnapshot('store', 0))!.state)}`).toBe('third')
    })

    test('keeps a snapshot of several megabytes whole, and the newest of many', async () => {
      const state = randomBytes(3_500_000)
      for (const next of [1, 2, 3]) {
        state.writeUInt32BE(next, 0)
        await log.commit({ stage: 'prepare', partition: 0, outputs: [], snapshot: { next, state } })
      }
      await log.commit({ stage: 'rules', partition: 0, outputs: [], snapshot: { next: 9, state: Buffer.from('other') } })
      await reopen()
      const found = await log.loadSnapshot('prepare', 0)
      expect(found!.next).toBe(3)
      expect(state.equals(found!.state)).toBe(true)
    })

    test('keeps the order of what it acknowledged over refused appends, and holds what it refused at most once', async () => {
      const numbers = (from: number) => Array.from({ length: 5 }, (_, k) => `${from + k}`)
      const append = (text: string) => log.append(raw, 0, [record(text)]).then(() => text)
      await Promise.all(numbers(0).map(append))
      const refused = await place.whileRefusing(() => Promise.allSettled(numbers(10).map(append)))
      expect(refused.map(({ status }) => status)).toContain('rejected')
      for (const one of refused)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'LOG_WRITE', retry: true })
      await Promise.all(numbers(20).map(append))
      const found = await values(log, raw)
      expect(new Set(found).size).toBe(found.length)
      const taken = refused.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const acknowledged = [...numbers(0), ...taken, ...numbers(20)]
      expect(found.filter((text) => acknowledged.includes(text))).toEqual(acknowledged)
    })

    test('ends a commit at its first refused output: neither its snapshot nor a later part of it is there', async () => {
      await log.commit({ ...step([output(0, 0)]), snapshot: { next: 1, state: Buffer.from('one') } })
      const large = [1, 2, 3].map((offset) => ({ ...output(offset, 0), value: Buffer.from(`${offset}.0`.padEnd(600_000)) }))
      const refused = await place.whileRefusing(() =>
        Promise.allSettled([log.commit({ ...step(large), snapshot: { next: 4, state: Buffer.from('four') } })]),
      )
      expect(refused[0]).toMatchObject({ status: 'rejected', reason: { retry: true } })
      const found = (await unrepeated(log, timeline)).map((text) => text.trimEnd())
      expect(found).toEqual(['0.0', '1.0', '2.0', '3.0'].slice(0, found.length))
      expect((await log.loadSnapshot('prepare', 0))!.next).toBe(1)
      await log.commit({
        ...step([output(1, 0), output(2, 0), output(3, 0)]),
        snapshot: { next: 4, state: Buffer.from('again') },
      })
      expect((await unrepeated(log, timeline)).map((text) => text.trimEnd())).toEqual(['0.0', '1.0', '2.0', '3.0'])
    })

    test('has an id of its own, which stays when it is opened again and changes when it is wiped', async () => {
      const { id } = log
      await log.append(raw, 0, [record('x')])
      await reopen()
      expect(log.id).toBe(id)
      await log.close()
      await place.wipe()
      log = await place.open()
      expect(log.id).not.toBe(id)
      expect(await log.bounds(raw, 0)).toEqual({ start: 0, end: 0 })
    })

    test('refuses another number of partitions', async () => {
      await log.close()
      await expect(place.open({ partitions: 4 })).rejects.toMatchObject({ code: 'LOG_PARTITIONS' })
      log = await place.open()
    })

    test('trims what is above its bound, from the front, and says that those offsets are gone', async () => {
      await reopenFresh({ retentionBytes: 300_000 })
      for (let n = 0; n < 10; n++) await log.append(raw, 0, [bulky(`${n}`)])
      const { start, end } = await log.bounds(raw, 0)
      await log.trim()
      const after = await log.bounds(raw, 0)
      expect(after.start).toBeGreaterThan(start)
      expect(after.end).toBe(end)
      await expect(log.read(raw, 0, after.start - 1, everything)).rejects.toMatchObject({ code: 'LOG_OFFSET_GONE' })
      expect((await values(log, raw)).at(-1)?.[0]).toBe('9')
      await reopen({ retentionBytes: 300_000 })
      expect(await log.bounds(raw, 0)).toEqual(after)
    })

    test('never trims what a registered reader needs, until it moves on or is forgotten', async () => {
      const settings = { retentionBytes: 100_000 }
      await reopenFresh(settings)
      for (let n = 0; n < 6; n++) await log.append(raw, 0, [bulky(`${n}`)])
      const offsets = (await log.read(raw, 0, 0, everything)).map((r) => r.offset)
      await Promise.all([log.registerReader('rules', raw, 0, offsets[2]!), log.registerReader('store', raw, 0, offsets[4]!)])
      await reopen(settings)
      await log.trim()
      expect((await log.bounds(raw, 0)).start).toBe(offsets[2])
      if (log.readers) expect(await log.readers()).toEqual(['rules', 'store'])
      await log.registerReader('rules', raw, 0, offsets[5]!)
      await log.trim()
      expect((await log.bounds(raw, 0)).start).toBe(offsets[4])
      await log.unregisterReader('store')
      await log.trim()
      expect((await log.bounds(raw, 0)).start).toBe(offsets[5])
    })

    test('refuses appends at its bound while stages go on, and takes them again after trimming', async () => {
      const settings = { bytesMax: 1_000_000, retentionBytes: 200_000 }
      await reopenFresh(settings)
      await log.registerReader('lagging', raw, 0, 0)
      const fill = async () => {
        for (let n = 0; n < 100; n++) await log.append(raw, 0, [bulky(`${n}`)])
      }
      await expect(fill()).rejects.toMatchObject({ code: 'LOG_FULL', retry: true })
      await log.commit({ ...step([output(0, 0)]), snapshot: { next: 1, state: Buffer.from('s') } })
      expect(await values(log, timeline)).toEqual(['0.0'])
      await log.registerReader('lagging', raw, 0, (await log.bounds(raw, 0)).end)
      await log.trim()
      await log.append(raw, 0, [record('again')])
      expect((await values(log, raw)).at(-1)).toBe('again')
    })

    test('loses nothing acknowledged when its process is killed', async () => {
      await log.close()
      const child = place.spawnAppender()
      let acknowledged = -1
      const lines = createInterface({ input: child.stdout! })
      for await (const line of lines) {
        acknowledged = Number(line)
        if (acknowledged > 2000) break
      }
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      log = await place.open()
      const found = await values(log, raw)
      expect(found.length).toBeGreaterThan(acknowledged)
      expect(found).toEqual(found.map((_, n) => `${n}`))
    })

    describe('shared by several processes', () => {
      let other: Log
      beforeEach(async ({ skip }) => {
        if (!place.isShared) skip('one process owns this log')
        other = await place.open()
      })
      afterEach(() => other?.close())

      test('has one id, and gives what one appends to a reader that waits in another', async () => {
        expect(other.id).toBe(log.id)
        await log.append(raw, 0, [record('before')])
        const { end } = await other.bounds(raw, 0)
        expect(await other.read(raw, 0, end, everything)).toEqual([])
        for (let n = 0; n < 20; n++) {
          const rung = new Promise<number>((resolve) => {
            const unsubscribe = other.onAppend(raw, (_, next) => {
              if (next <= end + n) return
              unsubscribe()
              resolve(next)
            })
          })
          await log.append(raw, 0, [record(`${n}`)])
          expect(await rung).toBe(end + n + 1)
          expect((await other.read(raw, 0, end + n, everything)).map(({ value }) => text(value))).toEqual([`${n}`])
        }
      })

      test('keeps the order of each of two writers', async () => {
        const write = (writer: Log, name: string) =>
          Promise.all(Array.from({ length: 200 }, (_, n) => writer.append(raw, 0, [record(`${name}${n}`)])))
        await Promise.all([write(log, 'a'), write(other, 'b')])
        const found = await values(log, raw)
        expect(found).toHaveLength(400)
        for (const name of ['a', 'b'])
          expect(found.filter((text) => text.startsWith(name))).toEqual(Array.from({ length: 200 }, (_, n) => `${name}${n}`))
        expect(await values(other, raw)).toEqual(found)
      })

      test('silences a zombie that commits behind the new owner, whose snapshot stays the newest', async () => {
        const all = [0, 1, 2, 3, 4, 5].map((offset) => output(offset, 0))
        await log.commit({ ...step(all.slice(0, 2)), snapshot: { next: 2, state: Buffer.from('both') } })
        expect((await other.loadSnapshot('prepare', 0))!.next).toBe(2)
        await other.commit({ ...step(all.slice(2)), snapshot: { next: 6, state: Buffer.from('owner') } })
        await log.commit({ ...step(all.slice(2, 4)), snapshot: { next: 4, state: Buffer.from('zombie') } })
        await log.commit(step(all.slice(4, 5)))
        expect(await unrepeated(other, timeline)).toEqual(['0.0', '1.0', '2.0', '3.0', '4.0', '5.0'])
        await reopen()
        const found = await log.loadSnapshot('prepare', 0)
        expect([found!.next, text(found!.state)]).toEqual([6, 'owner'])
      })

      test('knows the readers of every process when it trims', async () => {
        for (let n = 0; n < 3; n++) await log.append(raw, 0, [record(`${n}`)])
        await log.registerReader('store', raw, 0, 1)
        const settings = { retentionBytes: 1 }
        await other.close()
        other = await place.open(settings)
        await other.trim()
        expect((await other.bounds(raw, 0)).start).toBe(1)
        await log.unregisterReader('store')
        await other.trim()
        expect((await log.bounds(raw, 0)).start).toBe(3)
      })

      test('shows a heartbeat to every process, in one order', async () => {
        const seen: string[][] = [[], []]
        const unsubscribe = [log, other].map((one, k) =>
          one.heartbeats!.onHeartbeat((heartbeat) => seen[k]!.push(text(heartbeat))),
        )
        // Heartbeats from before a subscription took hold need not come.
        await until(
          () => seen.every((heartbeats) => heartbeats.length > 0),
          () => log.heartbeats!.post(Buffer.from('hello')),
        )
        await Promise.all([1, 2, 3].flatMap((n) => [log, other].map((one, k) => one.heartbeats!.post(Buffer.from(`${k}:${n}`)))))
        await until(() => seen.every((heartbeats) => heartbeats.filter((heartbeat) => heartbeat !== 'hello').length === 6))
        const [mine, theirs] = seen.map((heartbeats) => heartbeats.filter((heartbeat) => heartbeat !== 'hello'))
        expect(mine).toEqual(theirs)
        for (const end of unsubscribe) end()
      })
    })

    async function reopenFresh(settings: LogSettings): Promise<void> {
      await log.close()
      await place.wipe()
      log = await place.open(settings)
    }
  })
}

function record(value: string, key = 'k'): NewRecord {
  return { key, value: Buffer.from(value) }
}

/** 100 kB that no log can make smaller. */
function bulky(value: string): NewRecord {
  return { key: 'k', value: Buffer.concat([Buffer.from(value), randomBytes(100_000)]) }
}

function output(offset: number, index: number, source: { log?: string; partition?: number } = {}): NewRecord {
  return { ...record(`${offset}.${index}`), source: { log: 'source', partition: 0, ...source, offset, index } }
}

function step(records: NewRecord[]) {
  return { stage: 'prepare', partition: 0, outputs: [{ topic: timeline as Topic, partition: 0, records }] }
}

async function values(log: Log, topic: Topic, partition = 0): Promise<string[]> {
  return (await records(log, topic, partition)).map(({ value }) => text(value))
}

async function records(log: Log, topic: Topic, partition: number): Promise<LogRecord[]> {
  const { start, end } = await log.bounds(topic, partition)
  const found: LogRecord[] = []
  for (let next = start; next < end; next = found.at(-1)!.offset + 1)
    found.push(...(await log.read(topic, partition, next, { records: 1000, bytes: 1e6 })))
  return found
}

/** As a reader sees them that follows the rule of marks. */
async function unrepeated(log: Log, topic: Topic, partition = 0): Promise<string[]> {
  const marks: Marks = {}
  return (await records(log, topic, partition)).filter(({ source }) => pass(marks, source)).map(({ value }) => text(value))
}

const text = (value: Uint8Array) => Buffer.from(value).toString()
const plain = ({ value, ...rest }: { value: Uint8Array }) => ({ ...rest, value: text(value) })

function fnv(bytes: number[]): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5) >>> 0
}

async function until(holds: () => boolean, meanwhile?: () => Promise<unknown>): Promise<void> {
  while (!holds()) {
    await meanwhile?.()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
