import { type Channel, type CutCounts, emptyEdgeCounts, type Segment, type TimelineRecord } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogRecord, Snapshot } from '../../log/log.ts'
import type { Refused } from '../../stage/index.ts'
import { nameOf } from '../accounting/index.ts'
import { at, column, readings, segment as segmentAt, t0 } from '../sample-records.ts'
import { influxStoreSchema } from './config.ts'
import type { Engine } from './engine.ts'
import { openPartition, type PartitionWriter } from './partition.ts'
import { createReader } from './reader.ts'
import { createSimulatedEngine, Killed } from './testing/simulated-engine.ts'

/** A device's records: in order, late, early, repeated; times in steps of 100 ms, values that tell positions apart. */
const points = fc.record({
  k: fc.constant('points' as const),
  device: fc.constantFrom('a', 'b'),
  from: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 3000 })),
  deltas: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8 }),
})
const segment = fc.record({
  k: fc.constant('segment' as const),
  device: fc.constantFrom('a', 'b'),
  from: fc.integer({ min: 0, max: 40 }),
  i: fc.constantFrom(4, 50, 1000 / 360),
  count: fc.integer({ min: 1, max: 20 }),
})
const fault = fc.record({
  k: fc.constantFrom('kill writer' as const, 'kill engine' as const, 'wait' as const),
  after: fc.integer({ min: 1, max: 14 }),
})
const step = fc.oneof({ weight: 5, arbitrary: points }, { weight: 2, arbitrary: segment }, { weight: 2, arbitrary: fault })

for (const replaces of [true, false])
  test(`counts every reading once, whatever is killed and where: an engine that ${replaces ? 'replaces' : 'cannot replace'} points`, async () => {
    const check = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 1, max: 9 }),
      (steps, size) => run(steps, size, replaces),
    )
    await fc.assert(check, { numRuns: 150 })
  })

test('refuses by name a waveform that the engine has no times for, and stores every other channel', async () => {
  const world = createWorld(false)
  const wave = (name: string, intervalMs: number): Channel => ({
    ...{ name, kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs },
  })
  const channels = [wave('ecg', 1), wave('vibration', 0.5)]
  world.append({ f: 1, k: 'declaration', subject: 'd', device: 'd', node: 'n', channels })
  world.append(readings({}, { ecg: [segmentAt(0, 1, 5)], vibration: [segmentAt(0, 0.5, 5)] }))
  world.append(readings({}, { ecg: [segmentAt(5, 1, 5)], vibration: [segmentAt(2.5, 0.5, 5)] }))
  await world.drain(2)
  await world.fault('wait', 1, 2)
  const what = { reason: 'STORE_CHANNEL_TOO_FINE', at: 'store', device: 'd', channel: 'vibration', lost: [0, 5] }
  expect(world.refused.map(({ offset, rejected }) => [offset, rejected])).toMatchObject([
    [1, what],
    [2, what],
  ])
  const reader = world.reader()
  expect(await reader.segments({ device: 'd', channel: 'vibration', fromMs: 0, toMs: 1e14 })).toEqual([])
  expect((await reader.segments({ device: 'd', channel: 'ecg', fromMs: 0, toMs: 1e14 })).flatMap(({ v }) => v)).toHaveLength(10)
  expect((await reader.totals()).d).toMatchObject({ stored: [0, 10], collapsed: [0, 0] })
  expect(await reader.events(0, 1e14)).toMatchObject([{ level: 'error', code: 'STORE_CHANNEL_TOO_FINE', device: 'd' }])
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function run(steps: Step[], size: number, replaces: boolean): Promise<void> {
  const world = createWorld(replaces)
  const devices = { a: expectation(), b: expectation() }
  let position = 0
  for (const one of steps) {
    if (one.k === 'points') {
      let t = one.from
      const times = one.deltas.map((delta) => {
        t += delta
        return t * 100
      })
      const values = times.map(() => ++position)
      devices[one.device].points(times, values)
      world.append(mine(one.device, readings({ spo2: column(times, values) })))
    } else if (one.k === 'segment') {
      const samples: Segment = { t: t0 + one.from * 100, i: one.i, v: Array.from({ length: one.count }, () => ++position) }
      devices[one.device].segment(samples, replaces ? 0.001 : 1)
      world.append(mine(one.device, readings({}, { ecg: [samples] })))
    } else await world.fault(one.k, one.after, size)
    if (position % 3 === 0) await world.drain(size)
  }
  for (const device of ['a', 'b'] as const) world.append(devices[device].cut(device))
  // What a kill of the engine took is written again once the position is to be kept.
  for (let ticks = 0; ticks < 4; ticks++) {
    await world.fault('wait', 10, size)
    world.append({ f: 1, k: 'tick', atMs: t0 + ticks * 1000 })
    await world.drain(size)
  }
  world.engine.spare()
  const reader = world.reader()
  const totals = await reader.totals()
  for (const device of ['a', 'b'] as const) await devices[device].compare(device, reader, totals[device])
  for (const row of await reader.ledger()) expect(row.difference).toEqual([0, 0])
}

const mine = (device: string, record: TimelineRecord): TimelineRecord =>
  ({ ...record, device, subject: device }) as TimelineRecord

function expectation() {
  const values = new Map<number, number>()
  const samples = new Map<number, number>()
  const given: [number, number] = [0, 0]
  return {
    points(times: number[], v: number[]) {
      given[0] += times.length
      for (const [k, t] of times.entries()) values.set(t0 + t, v[k]!)
    },
    segment({ t, i, v }: Segment, resolutionMs: number) {
      given[1] += v.length
      for (const [k, value] of v.entries()) samples.set(nameOf(t + k * i, resolutionMs), value)
    },
    cut(device: string): TimelineRecord {
      const edge = { ...emptyEdgeCounts(), read: [...given] as [number, number] }
      const counts: CutCounts = { edge, evicted: [0, 0], rejected: [0, 0], forwarded: [...given], ahead: [0, 0] }
      return { f: 1, k: 'cut', node: 'n', stream: 's', through: 1, closed: false, devices: { [device]: counts } }
    },
    async compare(device: string, reader: ReturnType<typeof createReader>, total: unknown) {
      const { t, v } = await reader.points({ device, channel: 'spo2', fromMs: 0, toMs: 1e14 })
      expect(new Map(t.map((time, k) => [time, v[k]]))).toEqual(new Map([...values].sort((a, b) => a[0] - b[0])))
      const found = (await reader.segments({ device, channel: 'ecg', fromMs: 0, toMs: 1e14 })).flatMap((one) => one.v)
      expect(found.toSorted()).toEqual([...samples.values()].toSorted())
      if (given[0] + given[1] === 0) return
      expect(total).toMatchObject({
        stored: [values.size, samples.size],
        collapsed: [given[0] - values.size, given[1] - samples.size],
      })
    },
  }
}

/** A log, a place for snapshots, an engine and a writer that may die. */
function createWorld(replaces: boolean) {
  const log: LogRecord[] = []
  let nowMs = 1000
  let snapshot: Snapshot | undefined
  const engine = createSimulatedEngine(replaces, () => nowMs)
  const after = (ms: number, call: () => void) => {
    nowMs += ms
    queueMicrotask(call)
    return () => {}
  }
  const clock = { now: () => nowMs, monotonic: () => nowMs, after }
  const config = influxStoreSchema.parse({ retentionDays: 0, totalsEveryMs: 0, saveEveryMs: 1000 })
  const kept = {
    load: async () => snapshot,
    save: (next: Snapshot) =>
      engine.operation(() => {
        snapshot = next
      }),
  }
  const refused: Refused[] = []
  const open = () =>
    openPartition({
      ...{ engine: { config } as unknown as Engine, dialect: engine.dialect, sender: engine.sender, log: 'log', partition: 0 },
      ...{ kept, lines: silentLog, metrics: createMetrics(), clock },
    })

  /** The sink's session goes on to the end of the log; after a failure another one begins. */
  let writer: PartitionWriter | undefined
  async function session(size: number): Promise<void> {
    writer ??= await open()
    for (let next = writer.next; next < log.length; next += size) {
      nowMs += 100
      refused.push(...(await writer.write(log.slice(next, next + size))))
    }
  }

  async function drain(size: number): Promise<void> {
    for (;;)
      try {
        return await session(size)
      } catch (error) {
        writer = undefined
        if (!(error instanceof Killed) && !((error as Error).cause instanceof Error)) throw error
        engine.spare()
      }
  }

  return {
    engine,
    reader: () => createReader(engine.dialect, { pointsMax: 1e6, clock }),
    refused,
    drain,
    append: (record: TimelineRecord) => void log.push(at(log.length, record)),
    async fault(kind: 'kill writer' | 'kill engine' | 'wait', after: number, size: number): Promise<void> {
      if (kind === 'wait') nowMs += after * 2000
      else if (kind === 'kill engine') engine.kill()
      else {
        engine.killAfter(after)
        await drain(size)
      }
    },
  }
}
