/** The contract of store.ts as a test suite. Every store that can be asked runs it: `describeStore('embedded', makePlace)`. */
import {
  type Channel,
  type Column,
  type CutCounts,
  emptyEdgeCounts,
  type GapTimelineRecord,
  type Segment,
  type TimelineRecord,
} from '@millrace/contract'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LogRecord, Snapshot } from '../log/log.ts'
import type { Kept } from '../stage/index.ts'
import { at, column, readings, segment, t0 } from './sample-records.ts'
import type { Store } from './store.ts'
import { plainRollUp } from './testing/plain-roll-up.ts'

/** Where one store's data lives. */
export interface StorePlace {
  /** @param limits of the store's configuration, over its defaults. */
  open(limits?: { pointsMax: number }): Promise<Store>
  /** Does now what the store does in the background, such as merging; the suite asks everything before and after. */
  settle(store: Store): Promise<void>
  remove(): Promise<void>
}

/**
 * What an engine cannot do, each with its reason: the suite expects what is left, and the conformance table shows it.
 *
 *     text     no text as a reading: it is refused with a reason and counted as rejected
 *     digits   numbers with a fraction are held to about twelve digits, and neighbours far apart in size to fewer
 */
export type Differences = { [K in 'text' | 'digits']?: string }

const hour = 3_600_000

/** The log's snapshots, for stores that keep their state there: they outlive the store. */
function createKept() {
  const snapshots = new Map<string, Snapshot>()
  return (log: string, partition: number): Kept => ({
    load: async () => snapshots.get(`${log}/${partition}`),
    save: async (snapshot) => void snapshots.set(`${log}/${partition}`, snapshot),
  })
}

export function describeStore(name: string, makePlace: () => Promise<StorePlace>, differences: Differences = {}): void {
  describe.each([false, true])(`store ${name}, settled: %s`, (settled) => {
    const keptIn = createKept()
    const openAt = (log: string, partition: number) => store.open(log, partition, keptIn(log, partition))
    // One store for all: each test has a device and a log of its own.
    let place: StorePlace
    let store: Store
    let tests = 0
    let next: number
    let log: string
    let d: string
    beforeAll(async () => {
      place = await makePlace()
      store = await place.open()
    })
    beforeEach(async () => {
      next = 0
      tests++
      log = `log ${tests}`
      d = `device ${tests}`
      await openAt(log, 0)
    })
    afterAll(async () => {
      await store.close()
      await place.remove()
    })

    const reopen = async (limits?: { pointsMax: number }) => {
      await store.close()
      store = await place.open(limits)
    }

    /** Of this test's device, where it says `d`. */
    const mine = (record: TimelineRecord): TimelineRecord => {
      if (record.k === 'cut') return { ...record, devices: { [d]: Object.values(record.devices)[0]! } }
      return 'device' in record ? { ...record, device: d } : record
    }
    /** Writes, then lets the store settle, as it may at any time. After a refresh all of it is in the answers. */
    const put = async (...records: TimelineRecord[]) => {
      await store.write(
        0,
        records.map((record) => at(next++, mine(record))),
      )
      if (settled) await place.settle(store)
      await store.refresh()
    }
    const read = async (channel = 'spo2', from = 0, to = 1e14) => {
      const { t, v } = await store.points({ device: d, channel, fromMs: from, toMs: to })
      return t.map((time, k) => [time - t0, v[k]])
    }

    test('gives readings back as they came, in order of time', async () => {
      await put(
        readings({ spo2: column([0, 1000, 2000], [97, 98, 96]), text: column([5], ['on']), flag: column([7, 8], [true, false]) }),
      )
      await put(readings({ spo2: column([3000, 4000], [95.5, -1e-7]), text: column([6], ['\u{1f600}']) }))
      expect(await read()).toEqual([
        [0, 97],
        [1000, 98],
        [2000, 96],
        [3000, 95.5],
        [4000, -1e-7],
      ])
      const texts = [
        [5, 'on'],
        [6, '\u{1f600}'],
      ]
      expect(await read('text')).toEqual(differences.text === undefined ? texts : [])
      expect(await read('flag')).toEqual([
        [7, true],
        [8, false],
      ])
      expect(await read('none')).toEqual([])
      expect(await store.points({ device: 'nobody', channel: 'spo2', fromMs: 0, toMs: 1e14 })).toEqual({ t: [], v: [] })
    })

    test('gives numbers back to the last digit, and a device’s own numbers whatever its scale', async () => {
      const exact = { whole: [0, 1, 2147483647, -2147483648, 9007199254740991], halves: [-0.5, 0.001, 95.5, -1e-7] }
      const fractions = { sum: 0.1 + 0.2, pi: Math.PI, tiny: 1e-300, huge: 1.7976931348623157e308 }
      const times = (values: number[]) => values.map((_, k) => k * 1000)
      const scales = {
        tenth: { scale: 0.1 },
        milli: { scale: 0.001, offset: -40 },
        third: { scale: 1 / 3 },
        kelvin: { offset: 273.15 },
      }
      const declared = Object.entries(scales).map(
        ([name, scale]) => ({ ...{ name, kind: 'number', datatype: 'Int32', unit: '1' }, ...scale }) as Channel,
      )
      await put({ f: 1, k: 'declaration', subject: 'd', device: 'd', node: 'n', channels: declared })
      const integers = [0, 1, -1, 97, 365, 2147483647, -2147483648]
      const channels: Record<string, Column> = {}
      for (const { name } of declared) channels[name] = column(times(integers), integers)
      for (const [name, values] of Object.entries(exact)) channels[name] = column(times(values), values)
      for (const [name, value] of Object.entries(fractions)) channels[name] = column([0], [value])
      await put(readings(channels))
      const held = async (name: string) => (await read(name)).map(([, v]) => v as number)
      for (const { name } of declared) expect(await held(name)).toEqual(integers)
      for (const [name, values] of Object.entries(exact)) expect(await held(name)).toEqual(values)
      for (const [name, value] of Object.entries(fractions))
        if (differences.digits === undefined) expect(await held(name)).toEqual([value])
        else expect(Math.abs((await held(name))[0]! / value - 1)).toBeLessThan(1e-11)
    })

    test('gives back qualities, and none where all are good', async () => {
      await put(readings({ a: { ...column([0, 1], [1, 2]), q: [0, 2] }, b: { ...column([0, 1], [1, 2]), q: [0, 0] } }))
      await put(readings({ a: column([2], [3]) }))
      expect((await store.points({ device: d, channel: 'a', fromMs: 0, toMs: 1e14 })).q).toEqual([0, 2, 0])
      expect((await store.points({ device: d, channel: 'b', fromMs: 0, toMs: 1e14 })).q).toBeUndefined()
    })

    test('takes both ends of the time asked for, and the first of it when there is a limit', async () => {
      await put(readings({ spo2: column([0, 1000, 2000, hour, 2 * hour], [1, 2, 3, 4, 5]) }))
      expect(await read('spo2', t0 + 1000, t0 + hour)).toEqual([
        [1000, 2],
        [2000, 3],
        [hour, 4],
      ])
      expect((await store.points({ device: d, channel: 'spo2', fromMs: t0 + 500, toMs: t0 + 3 * hour }, 3)).v).toEqual([2, 3, 4])
    })

    test('keeps the last position of an equal time and counts the other as collapsed', async () => {
      await put(readings({ spo2: column([0, 1000, 2000], [1, 2, 3]) }))
      await put(readings({ spo2: column([1000, 1500, 2000], [20, 15, 30]) }))
      await put(readings({ spo2: column([1000], [200]) }))
      expect(await read()).toEqual([
        [0, 1],
        [1000, 200],
        [1500, 15],
        [2000, 30],
      ])
      expect((await store.totals())[d]).toMatchObject({ stored: [4, 0], collapsed: [3, 0], firstMs: t0, lastMs: t0 + 2000 })
    })

    test('collapses inside one record too, in any order of its times', async () => {
      await put(readings({ spo2: column([2000, 0, 2000, 1000], [1, 2, 3, 4]) }))
      expect(await read()).toEqual([
        [0, 2],
        [1000, 4],
        [2000, 3],
      ])
      expect((await store.totals())[d]).toMatchObject({ stored: [3, 0], collapsed: [1, 0] })
    })

    test('ignores what it has by offset, and what it has by source', async () => {
      const source = (offset: number, index = 0) => ({ log: `raw of ${log}`, partition: 0, offset, index })
      const one = (offset: number, t: number, from?: LogRecord['source']) =>
        at(offset, mine(readings({ spo2: column([t], [t]) })), from)
      await store.write(0, [one(0, 0, source(5)), one(1, 1, source(5, 1))])
      await store.write(0, [one(0, 0, source(5)), one(1, 1, source(5, 1)), one(2, 2, source(6))])
      await store.write(0, [one(3, 1, source(5, 1)), one(4, 2, source(6)), one(5, 3, source(6, 1))])
      await store.write(0, [one(6, 4, { ...source(0), log: `raw again of ${log}` })])
      await store.refresh()
      expect((await read()).map(([t]) => t)).toEqual([0, 1, 2, 3, 4])
      expect((await store.totals())[d]).toMatchObject({ stored: [5, 0], collapsed: [0, 0] })
    })

    test('says where to go on, also after it was opened again, and starts again with a log created again', async () => {
      expect(await openAt(log, 0)).toBe(0)
      expect(await openAt(log, 1)).toBe(0)
      await put(readings({ spo2: column([0], [1]) }), tick(t0))
      await store.write(1, [at(7, tick(t0))])
      await store.close()
      store = await place.open()
      expect([await openAt(log, 0), await openAt(log, 1), await openAt(log, 2)]).toEqual([2, 8, 0])
      expect(await openAt(`another ${log}`, 0)).toBe(0)
      await store.write(0, [at(0, mine(readings({ spo2: column([1000], [2]) })))])
      expect(await openAt(`another ${log}`, 0)).toBe(1)
      expect(await openAt(log, 0)).toBe(2)
      await store.refresh()
      expect(await read()).toHaveLength(2)
    })

    test('leaves out a record that cannot be read, and takes its neighbours', async () => {
      const broken = { ...at(1, tick(t0)), value: Buffer.from('{"k":"readi') }
      const wrong = { ...at(2, tick(t0)), value: Buffer.from('{"k":"readings","device":"d","channels":{"spo2":{}},"waves":{}}') }
      await store.write(0, [
        at(0, mine(readings({ spo2: column([0], [1]) }))),
        broken,
        wrong,
        at(3, mine(readings({ spo2: column([1], [2]) }))),
      ])
      await store.refresh()
      expect(await read()).toHaveLength(2)
      expect(await openAt(log, 0)).toBe(4)
      expect((await store.totals())[d]).toMatchObject({ stored: [2, 0] })
    })

    test('gives waveform segments back as they came', async () => {
      const given = [segment(0, 4, 250), segment(1000, 4, 250), segment(2000.5, 1000 / 360, 360)]
      await put(readings({}, { ecg: given }))
      expect(shift(await store.segments({ device: d, channel: 'ecg', fromMs: 0, toMs: 1e14 }))).toEqual(shift(given))
      expect(shift(await store.segments({ device: d, channel: 'ecg', fromMs: t0 + 997, toMs: t0 + 1500 }))).toEqual(
        shift(given.slice(1, 2)),
      )
      expect(await store.segments({ device: d, channel: 'ecg', fromMs: 0, toMs: 1e14 }, 1)).toHaveLength(1)
      expect((await store.totals())[d]).toMatchObject({ stored: [0, 860], collapsed: [0, 0] })
    })

    test('collapses samples of the same microsecond, and keeps what lies beside them', async () => {
      await put(readings({}, { ecg: [segment(0, 4, 100, 1)] }))
      await put(readings({}, { ecg: [segment(200, 4, 100, 1000)] }))
      await put(readings({}, { ecg: [segment(0, 4, 10, 5000)] }))
      await put(readings({}, { ecg: [segment(2, 4, 5, 9000)] }))
      const samples = (await store.segments({ device: d, channel: 'ecg', fromMs: 0, toMs: 1e14 })).flatMap((s) =>
        s.v.map((v, k) => [s.t + k * s.i - t0, v] as const),
      )
      const expected = new Map<number, number>()
      for (let k = 0; k < 100; k++) expected.set(k * 4, 1 + k)
      for (let k = 0; k < 100; k++) expected.set(200 + k * 4, 1000 + k)
      for (let k = 0; k < 10; k++) expected.set(k * 4, 5000 + k)
      for (let k = 0; k < 5; k++) expected.set(2 + k * 4, 9000 + k)
      expect(new Map(samples)).toEqual(expected)
      expect(samples).toHaveLength(expected.size)
      expect((await store.totals())[d]).toMatchObject({ stored: [0, 155], collapsed: [0, 60] })
    })

    test('keeps a waveform that crosses an hour whole', async () => {
      await put(readings({}, { ecg: [segment(hour - 1000, 4, 500)] }))
      const found = await store.segments({ device: d, channel: 'ecg', fromMs: 0, toMs: 1e14 })
      expect(found.flatMap((s) => s.v)).toEqual(segment(0, 4, 500).v)
      expect((await store.totals())[d]).toMatchObject({ stored: [0, 500], collapsed: [0, 0] })
    })

    test('rolls up steps with count, lowest, highest, sum and last value', async () => {
      const t = Array.from({ length: 7300 }, (_, k) => k * 1000)
      const v = t.map((_, k) => (k * 7919) % 101)
      for (let k = 0; k < t.length; k += 730) await put(readings({ spo2: column(t.slice(k, k + 730), v.slice(k, k + 730)) }))
      for (const [from, to, step] of [
        [0, 7_300_000, 60_000],
        [-hour, 3 * hour, 900_000],
        [60_000, 4_000_500, 120_000],
        [1500, 90_000, 7000],
      ] as const)
        expect(await store.rollUp({ device: d, channel: 'spo2', fromMs: t0 + from, toMs: t0 + to }, step)).toEqual(
          rolled(t, v, from, to, step),
        )
    })

    test('rolls waveforms up', async () => {
      await put(readings({}, { ecg: [segment(0, 1000, 120)] }))
      expect(await store.rollUp({ device: d, channel: 'ecg', fromMs: t0, toMs: t0 + 120_000 }, 60_000)).toMatchObject({
        count: [60, 60],
        min: [0, 60],
        last: [59, 119],
      })
    })

    describe('with more in it than one answer may have', () => {
      const pointsMax = 500
      const count = 1700
      const t = Array.from({ length: count }, (_, k) => k * 250)
      const v = t.map((_, k) => (k * 7919) % 101)
      const all = (channel: string) => ({ device: d, channel, fromMs: t0 - hour, toMs: t0 + hour })
      const tooLarge = { code: 'STORE_ANSWER_TOO_LARGE' }
      beforeAll(() => reopen({ pointsMax }))
      afterAll(() => reopen())
      beforeEach(async () => {
        await openAt(log, 0)
        for (let k = 0; k < count; k += 100) {
          const record = readings(
            { spo2: column(t.slice(k, k + 100), v.slice(k, k + 100)) },
            { ecg: [segment(k * 250, 250, 100, k)] },
          )
          await store.write(0, [at(next++, mine(record))])
        }
        if (settled) await place.settle(store)
        await store.refresh()
      })

      test('gives the first of them up to a limit, page by page to the end', async () => {
        const found: number[] = []
        for (let fromMs = t0 - hour; ; ) {
          const page = await store.points({ ...all('spo2'), fromMs }, 300)
          expect(page.t.length).toBeLessThanOrEqual(300)
          found.push(...page.t)
          if (page.t.length < 300) break
          fromMs = page.t.at(-1)! + 0.001
        }
        expect(found.map((at) => at - t0)).toEqual(t)
      })

      test('refuses to leave any out, of readings and of samples', async () => {
        await expect(store.points(all('spo2'))).rejects.toMatchObject(tooLarge)
        await expect(store.points(all('spo2'), pointsMax + 1)).rejects.toMatchObject(tooLarge)
        expect((await store.points(all('spo2'), pointsMax)).t).toHaveLength(pointsMax)
        await expect(store.segments(all('ecg'))).rejects.toMatchObject(tooLarge)
        const [first] = await store.segments(all('ecg'), 100)
        expect(first).toMatchObject({ t: t0, i: 250 })
      })

      test('refuses to leave gaps out, and finds the few of a short time, whenever they began', async () => {
        const ended = Array.from({ length: pointsMax }, (_, k) => ({ ...gap('searching', k * 100), toMs: t0 + k * 100 + 50 }))
        const long = { ...gap('link-down', -1000), toMs: t0 + hour }
        await put(...ended, long, gap('probe-off', count * 250))
        await expect(store.gaps(d, 0, 1e14)).rejects.toMatchObject(tooLarge)
        const found = await store.gaps(d, t0 + 20_000, t0 + 20_060)
        expect(found.map(({ reason, fromMs }) => [reason, fromMs - t0]).sort()).toEqual([
          ['link-down', -1000],
          ['searching', 20_000],
        ])
        const later = await store.gaps(d, t0 + hour - 1, t0 + 2 * hour)
        expect(later.map(({ reason, toMs }) => [reason, toMs]).sort()).toEqual([
          ['link-down', t0 + hour],
          ['probe-off', undefined],
        ])
      })

      test('rolls all of them up, of readings and of samples, however many there are', async () => {
        const range = [0, count * 250, 10_000] as const
        const of = { device: d, fromMs: t0, toMs: t0 + count * 250 }
        expect(await store.rollUp({ ...of, channel: 'spo2' }, 10_000)).toEqual(rolled(t, v, ...range))
        const samples = t.map((_, k) => k)
        expect(await store.rollUp({ ...of, channel: 'ecg' }, 10_000)).toEqual(rolled(t, samples, ...range))
        await expect(store.rollUp({ ...of, channel: 'spo2' }, 250)).rejects.toMatchObject(tooLarge)
      })
    })

    test.each([
      ['numbers with a scale', { kind: 'number', datatype: 'Int16', scale: 0.1, offset: -40 }],
      ['numbers with a negative scale', { kind: 'number', datatype: 'Int32', scale: -0.001 }],
      ['numbers beside which the raw one is kept', { kind: 'number', datatype: 'Int32', scale: 1e-9, offset: 1e9 }],
      ['fractions', { kind: 'number', datatype: 'Double' }],
      ['booleans', { kind: 'boolean', datatype: 'Boolean' }],
    ] as const)('rolls up declared channels to what the device gave: %s', async (_, given) => {
      const channel = { name: 'x', unit: '1', ...given } as Channel
      await put({ f: 1, k: 'declaration', subject: 'd', device: 'd', node: 'n', channels: [channel] })
      const t = Array.from({ length: 900 }, (_, k) => k * 500)
      const raw = t.map((_, k) => (channel.datatype === 'Double' ? ((k * 7919) % 101) / 4 : (k * 7919) % 101))
      const isFlag = channel.kind === 'boolean'
      const numbers = isFlag ? raw.map((one) => one % 2) : raw
      const values = isFlag ? raw.map((one) => one % 2 === 1) : raw
      await put(
        readings({ x: column(t.slice(0, 600), values.slice(0, 600)) }),
        readings({ x: column(t.slice(600), values.slice(600)) }),
      )
      for (const [from, to, step] of [
        [0, 450_000, 60_000],
        [1500, 300_250, 7000],
      ] as const)
        expect(await store.rollUp({ device: d, channel: 'x', fromMs: t0 + from, toMs: t0 + to }, step)).toEqual(
          rolled(t, numbers, from, to, step),
        )
      // Written again: in every store the last one counts.
      await put(readings({ x: column([0, 500], isFlag ? [true, true] : [50, 60]) }))
      const again = isFlag ? [1, 1] : [50, 60]
      expect(await store.rollUp({ device: d, channel: 'x', fromMs: t0, toMs: t0 + 60_000 }, 60_000)).toEqual(
        rolled(t, [...again, ...numbers.slice(2)], 0, 60_000, 60_000),
      )
    })

    test('gives one device by its name', async () => {
      const channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%' } as const
      await put({ f: 1, k: 'declaration', subject: 'd', device: 'd', node: 'n', channels: [channel] })
      expect(await store.devices(d)).toEqual([{ device: d, subject: 'd', node: 'n', channels: [channel] }])
      expect(await store.devices('nobody')).toEqual([])
    })

    test('knows devices by their newest declaration', async () => {
      const channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', scale: 0.1 } as const
      await put({ f: 1, k: 'declaration', subject: 'd', device: 'd', node: 'n', channels: [channel] })
      await put({
        f: 1,
        k: 'declaration',
        subject: 'bed 7',
        device: 'd',
        node: 'n',
        channels: [channel, { ...channel, name: 'pulse' }],
      })
      expect((await store.devices()).filter(({ device }) => device === d)).toEqual([
        { device: d, subject: 'bed 7', node: 'n', channels: [channel, { ...channel, name: 'pulse' }] },
      ])
    })

    test('ends an open gap at the next reading of its channel, whichever was told first', async () => {
      await put(readings({ spo2: column([0], [1]) }), gap('probe-off', 500, 'spo2'), readings({ pulse: column([700], [60]) }))
      expect(await store.gaps(d, t0, t0 + 10_000)).toEqual([
        { device: d, channel: 'spo2', reason: 'probe-off', fromMs: t0 + 500 },
      ])
      await put(readings({ spo2: column([2000, 3000], [1, 1]) }))
      await put(gap('searching', 1000), { ...gap('link-down', 5000), toMs: t0 + 6000, lost: [3, 0] })
      const all = await store.gaps(undefined, t0, t0 + 10_000)
      expect(all.filter(({ device }) => device === d)).toEqual([
        { device: d, channel: 'spo2', reason: 'probe-off', fromMs: t0 + 500, toMs: t0 + 2000 },
        { device: d, reason: 'searching', fromMs: t0 + 1000, toMs: t0 + 2000 },
        { device: d, reason: 'link-down', fromMs: t0 + 5000, toMs: t0 + 6000, lost: [3, 0] },
      ])
      expect(await store.gaps(d, t0 + 2500, t0 + 4000)).toEqual([])
      expect(await store.gaps('other', 0, 1e14)).toEqual([])
    })

    test('tells of which readings the times were corrected, and by how much', async () => {
      const clock = { byMs: 3_600_000, uncertaintyMs: 4 }
      await put(
        { ...readings({ spo2: column([0, 1000], [1, 2]) }), clock },
        { ...readings({ spo2: column([1500], [3]) }), clock },
      )
      await put(readings({ spo2: column([9000], [4]) }), {
        ...readings({ spo2: column([20_000], [5]) }),
        clock: { byMs: -50, uncertaintyMs: 2 },
      })
      const byAt = async (at: number) =>
        (await store.corrections(d, t0 + at, t0 + at)).map(({ byMs, uncertaintyMs }) => [byMs, uncertaintyMs])
      expect(await Promise.all([500, 1500, 9000, 20_000].map(byAt))).toEqual([[[3_600_000, 4]], [[3_600_000, 4]], [], [[-50, 2]]])
      expect((await store.corrections(d, t0, t0 + 1e6)).map(({ device }) => device)).toEqual(expect.arrayContaining([d]))
      expect(await store.corrections('other', 0, 1e14)).toEqual([])
    })

    test('shortens a gap that backlog fills, and keeps one gap when it is told again', async () => {
      await put(gap('link-down', 500), gap('link-down', 500), readings({ spo2: column([9000], [1]) }))
      await put({ ...readings({ spo2: column([400, 4000], [1, 1]) }), hist: true })
      expect(await store.gaps(d, 0, 1e14)).toEqual([{ device: d, reason: 'link-down', fromMs: t0 + 500, toMs: t0 + 4000 }])
    })

    test('closes the ledger at a cut, with what lies ahead of it left out', async () => {
      const edge = { ...emptyEdgeCounts(), read: [9, 4] as [number, number], filtered: [1, 0] as [number, number] }
      const counts: CutCounts = { edge, evicted: [2, 0], rejected: [0, 0], forwarded: [6, 4], ahead: [1, 0] }
      await put(readings({ spo2: column([0, 1, 2, 3], [1, 2, 3, 4]) }, { ecg: [segment(0, 4, 4)] }))
      await put(readings({ spo2: column([3, 4], [5, 6]) }), readings({ spo2: column([5], [7]) }))
      await put({ f: 1, k: 'cut', node: 'n', stream: 's', through: 2, closed: false, devices: { d: counts } })
      await put(readings({ spo2: column([6], [8]) }))
      const ledger = async () => (await store.ledger()).filter((one) => one.device === d)
      const [row, ...others] = await ledger()
      expect(others).toEqual([])
      expect(row).toEqual({
        ...{ node: 'n', device: d, stream: 's', through: 2, closed: false, counts },
        ...{ stored: [5, 4], collapsed: [1, 0], expired: [0, 0], difference: [0, 0] },
      })
      await put({
        f: 1,
        k: 'cut',
        node: 'n',
        stream: 's',
        through: 3,
        closed: false,
        devices: { d: { ...counts, ahead: [0, 0] } },
      })
      expect(await ledger()).toMatchObject([{ through: 3, stored: [7, 4], difference: [-2, 0] }])
    })

    test('gives lines for people between two times, the newest of them when there is a limit', async () => {
      const line = (atMs: number, text: string): TimelineRecord => ({
        ...{ f: 1, k: 'event', subject: 'd', device: 'd', atMs: t0 + atMs, level: 'warn', code: 'BUS_UNPLUGGED', text },
      })
      await put(line(2000, 'second'), line(1000, 'first'), line(3000, 'third'))
      const texts = async (from: number, to: number, limit?: number) =>
        (await store.events(t0 + from, t0 + to, limit)).filter(({ device }) => device === d).map(({ text }) => text)
      expect(await texts(0, 2500)).toEqual(['first', 'second'])
      expect(await texts(0, 9000, 2)).toEqual(['second', 'third'])
    })

    test('sums closed streams older than a day, where they balance', async () => {
      const cut = (stream: string, read: number): TimelineRecord => {
        const counts: CutCounts = {
          edge: { ...emptyEdgeCounts(), read: [read, 0] },
          ...{ evicted: [0, 0], rejected: [0, 0], forwarded: [1, 0], ahead: [0, 0] },
        }
        return { f: 1, k: 'cut', node: 'n', stream, through: 1, closed: true, devices: { d: counts } }
      }
      for (const [k, read] of [1, 1, 5].entries())
        await put(tick(t0), { ...readings({ spo2: column([k], [1]) }), stream: `old${k}` }, cut(`old${k}`, read))
      await put(tick(t0 + 48 * hour), { ...readings({ spo2: column([9], [1]) }), stream: 'new' }, cut('new', 1))
      const rows = (await store.ledger()).filter((one) => one.device === d)
      expect(rows.map((row) => [row.stream, row.stored[0], row.difference[0]]).sort()).toEqual([
        ['earlier', 2, 0],
        ['new', 1, 0],
        ['old2', 1, 4],
      ])
    })

    test('refuses every call after it was closed', async () => {
      await store.close()
      await expect(store.write(0, [])).rejects.toThrow()
      await expect(store.totals()).rejects.toThrow()
      store = await place.open()
    })
  })
}

function gap(reason: GapTimelineRecord['reason'], from: number, channel?: string): GapTimelineRecord {
  return { f: 1, k: 'gap', subject: 'd', device: 'd', reason, fromMs: t0 + from, ...(channel ? { channel } : {}) }
}

const tick = (atMs: number): TimelineRecord => ({ f: 1, k: 'tick', atMs })
const shift = (segments: Segment[]) => segments.map(({ t, i, v }) => ({ t: t - t0, i, v }))

/** The same roll-up, worked out the plain way. */
function rolled(t: number[], v: number[], from: number, to: number, step: number) {
  const starts = Array.from({ length: Math.ceil((to - from) / step) }, (_, k) => from + k * step)
  const valuesFrom = (start: number) => v.filter((_, k) => t[k]! >= start && t[k]! < Math.min(to, start + step))
  return plainRollUp(starts.map((start) => ({ startMs: t0 + start, values: valuesFrom(start) })))
}
