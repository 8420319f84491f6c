import type { Channel, Columns } from '@millrace/contract'
import { type EdgeCounts, emptyEdgeCounts, type GapRecord, inRanges, type LedgerRecord } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { type MemoryStorage, memoryStorage } from './memory-storage.ts'
import { type OutboxOptions, outboxSchema } from './options.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import type { Drained } from './prepare.ts'
import type { OutboxStorage } from './storage.ts'

const channels: Channel[] = [
  { name: 'pulse', kind: 'number', datatype: 'Int32', unit: '/min' },
  { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 },
]

async function open(storage: OutboxStorage, options: Partial<OutboxOptions> = {}, devices = ['a', 'b']): Promise<Outbox> {
  const outbox = await openOutbox(storage, outboxSchema.parse(options), {
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
  })
  await Promise.all(devices.map((device) => outbox.declare(device, channels)))
  return outbox
}

function readings(device: string, fromMs: number, count: number, samples = 0): Drained {
  const t = Array.from({ length: count }, (_, i) => fromMs + i)
  const columns: Columns = { channels: count > 0 ? { pulse: { t, v: t.map((ms) => ms % 200) } } : {}, waves: {} }
  if (samples > 0) columns.waves.pleth = [{ t: fromMs, i: 10, v: Array.from({ length: samples }, (_, i) => i) }]
  const counts: EdgeCounts = { ...emptyEdgeCounts(), read: [count, samples], frames: [count, 0] }
  return { device, columns, bad: [], counts }
}

/** Everything that was not sent, oldest first. */
function all(outbox: Outbox): Entry[] {
  return [...outbox.next('backlog', 1e6), ...outbox.next('live', 1e6)]
}

async function texts<T>(outbox: Outbox, kind: Entry['kind']): Promise<T[]> {
  const found = await outbox.load(all(outbox).filter((entry) => entry.kind === kind))
  return [...found.values()].map((content) => JSON.parse('text' in content ? content.text : '{}') as T)
}

describe('outbox', () => {
  test('numbers rise by one over devices and ledger records, and a ledger record counts everything up to its `through`', async () => {
    const outbox = await open(memoryStorage(), { ledgerEveryMs: 0 })
    await outbox.commit([readings('a', 1000, 3), readings('b', 1000, 2, 7)])
    await outbox.commit([readings('a', 2000, 1)])
    const entries = all(outbox)
    expect(entries.map(({ number, kind, device }) => [number, kind, device])).toEqual([
      [1, 'data', 'a'],
      [2, 'data', 'b'],
      [3, 'ledger', ''],
      [4, 'data', 'a'],
      [5, 'ledger', ''],
    ])
    const [first, second] = await texts<LedgerRecord>(outbox, 'ledger')
    expect(first).toMatchObject({
      through: 2,
      devices: { a: { read: [3, 0] }, b: { read: [2, 7] } },
      floors: { [outbox.stream]: 1 },
    })
    expect(second).toMatchObject({ through: 4, devices: { a: { read: [4, 0] } } })
  })

  test('a batch comes back with its aliases, from memory and from the disk', async () => {
    const storage = memoryStorage()
    const outbox = await open(storage)
    await outbox.commit([readings('a', 1000, 3, 2)])
    const [entry] = all(outbox)
    const fromMemory = await outbox.load([entry!])
    const again = await open(storage)
    const old = all(again).find(({ device }) => device === 'a')!
    expect([...(await again.load([old])).values()]).toEqual([...fromMemory.values()])
    const [pulse, pleth] = again.declaration(old.declaration)!.channels.map(({ alias }) => `${alias}`) as [string, string]
    const content = [...fromMemory.values()][0] as { batch: { columns: Columns } }
    expect(content.batch.columns.channels[pulse]).toEqual({ t: [1000, 1001, 1002], v: [0, 1, 2] })
    expect(content.batch.columns.waves[pleth]).toEqual([{ t: 1000, i: 10, v: [0, 1] }])
  })

  test('an alias stays with its meaning over restarts, and a changed unit takes a new one', async () => {
    const storage = memoryStorage()
    const first = await open(storage, {}, [])
    const { channels: before } = await first.declare('a', channels)
    const second = await open(storage, {}, [])
    expect((await second.declare('a', channels)).channels).toEqual(before)
    const { channels: changed } = await second.declare('a', [{ ...channels[0]!, unit: 'Hz' }, channels[1]!])
    expect(changed[1]).toEqual(before[1])
    expect(before.map(({ alias }) => alias)).not.toContain(changed[0]!.alias)
  })

  test('a restart keeps names, begins a new stream and closes the old one with exact counts', async () => {
    const storage = memoryStorage()
    const first = await open(storage, { ledgerEveryMs: 1e9 })
    await first.commit([readings('a', 1000, 3)])
    await first.commit([readings('a', 2000, 4)])
    const names = all(first).map(({ stream, number }) => `${stream}/${number}`)
    const second = await open(storage)
    expect(second.stream).not.toBe(first.stream)
    const kept = all(second).filter(({ stream }) => stream === first.stream)
    expect(kept.map(({ stream, number }) => `${stream}/${number}`)).toEqual(names)
    const closing = (await texts<LedgerRecord>(second, 'ledger')).filter(({ closed }) => closed)
    expect(closing).toMatchObject([{ stream: first.stream, through: first.status().last, devices: { a: { read: [7, 0] } } }])
    expect(closing[0]!.floors).toMatchObject({ [first.stream]: 1 })
    const third = await open(storage)
    expect(
      (await texts<LedgerRecord>(third, 'ledger')).filter(({ stream }) => stream === first.stream && stream !== third.stream)
        .length,
    ).toBe((await texts<LedgerRecord>(second, 'ledger')).filter(({ stream }) => stream === first.stream).length)
  })

  test('a clean close writes the last ledger record, and the next run has nothing to close', async () => {
    const storage = memoryStorage()
    const first = await open(storage)
    await first.commit([readings('a', 1000, 3)])
    await first.close()
    const second = await open(storage)
    const records = await texts<LedgerRecord>(second, 'ledger')
    expect(records.filter(({ closed }) => closed)).toMatchObject([{ stream: first.stream, devices: { a: { read: [3, 0] } } }])
    expect(second.lastCommittedMs('a')).toBe(1002)
  })

  test('tells over restarts where readings have their times, and what a clock that jumped has left free', async () => {
    const storage = memoryStorage()
    const dayMs = 86_400_000
    const first = await open(storage)
    await first.commit([readings('a', dayMs, 3)])
    await first.commit([readings('a', 3 * dayMs, 3)])
    await first.commit([readings('a', dayMs + 1000, 3, 7)])
    const given = [
      [dayMs, dayMs + 1060],
      [3 * dayMs, 3 * dayMs + 2],
    ]
    expect(first.given('a')).toEqual(given)
    const second = await open(storage)
    expect(second.given('a')).toEqual(given)
    expect(second.lastCommittedMs('a')).toBe(dayMs + 1060)
    expect(second.given('b')).toEqual([])
  })

  test('of an earlier version takes the hour before the last reading for given', async () => {
    const storage = memoryStorage()
    const hourMs = 3_600_000
    await (await open(storage)).commit([readings('a', 2 * hourMs, 1)])
    const older: OutboxStorage = {
      ...storage,
      async open() {
        const loaded = await storage.open()
        return { ...loaded, small: new Map([...loaded.small].filter(([key]) => !key.startsWith('given/'))) }
      },
    }
    expect((await open(older)).given('a')).toEqual([[hourMs, 2 * hourMs]])
  })

  test('released entries are freed for good, and the floor rises only with them', async () => {
    const storage = memoryStorage()
    const outbox = await open(storage, { ledgerEveryMs: 0 })
    for (let i = 0; i < 4; i++) await outbox.commit([readings('a', 1000 * i, 1)])
    const entries = all(outbox)
    for (const entry of entries) outbox.take(entry)
    outbox.release([entries[0]!, entries[2]!, entries[1]!])
    expect(outbox.has(entries[0]!)).toBe(false)
    await outbox.commit([readings('a', 9000, 1)])
    const [ledger] = (await texts<LedgerRecord>(outbox, 'ledger')).slice(-1)
    expect(ledger!.floors[outbox.stream]).toBe(4)
    const again = await open(storage)
    expect(all(again).filter(({ stream }) => stream === outbox.stream)[0]!.number).toBe(4)
  })

  test.each(['oldest', 'newest', 'decimate'] as const)(
    'at the bound with %s, what is kept and what the gap names are all that was committed',
    async (policy) => {
      const outbox = await open(memoryStorage(), { policy, bytesMax: 30_000, ledgerEveryMs: 0 })
      for (let i = 0; i < 200; i++) await outbox.commit([readings('a', i * 1000, 10, 5), readings('b', i * 1000, 5)])
      expect(outbox.status().bytes).toBeLessThanOrEqual(30_000)
      expect(outbox.hasGap()).toBe(true)
      await outbox.issueGap()
      expect(outbox.hasGap()).toBe(false)
      const firstMs = all(outbox).find(({ kind }) => kind === 'data')!.first
      if (policy === 'newest') expect(firstMs).toBe(0)
      if (policy === 'oldest') expect(firstMs).toBeGreaterThan(100_000)
      const gaps = await texts<GapRecord>(outbox, 'gap')
      const stretches = gaps.reduce((n, { devices }) => n + (devices.a?.length ?? 0), 0)
      expect(stretches).toBeLessThanOrEqual(200)
      if (policy !== 'decimate') expect(stretches).toBe(1)
      await checkAccounts(outbox)
    },
  )

  test('a gap that waits is still there after a restart, and holds the floor down until it is receipted', async () => {
    const storage = memoryStorage()
    const first = await open(storage, { bytesMax: 8000, ledgerEveryMs: 0 })
    for (let i = 0; i < 60; i++) await first.commit([readings('a', i * 1000, 10)])
    expect(first.hasGap()).toBe(true)
    const second = await open(storage, { ledgerEveryMs: 0 })
    expect(second.hasGap()).toBe(true)
    await second.issueGap()
    await second.commit([readings('a', 1e6, 1)])
    const ledger = (await texts<LedgerRecord>(second, 'ledger')).at(-1)!
    expect(ledger.floors[first.stream]).toBe(1)
  })

  test.each(['AGENT_OUTBOX_FULL', 'AGENT_OUTBOX_IO'] as const)(
    '%s keeps readings in memory, drops the oldest past its bound, and accounts for all',
    async (fault) => {
      const storage = memoryStorage()
      const outbox = await open(storage, { memoryBytesMax: 3000, ledgerEveryMs: 0 })
      await outbox.commit([readings('a', 0, 10)])
      storage.fault = fault
      expect(await outbox.commit([readings('a', 500, 10)])).toBe(false)
      for (let i = 1; i < 100; i++)
        expect(await outbox.commit([readings('a', i * 1000, 10), readings('b', i * 1000, 3)])).toBe(false)
      expect(outbox.status()).toMatchObject({ failing: true })
      expect(outbox.status().memoryBytes).toBeLessThanOrEqual(3000)
      storage.fault = undefined
      await outbox.nextBdSeq()
      expect(outbox.status()).toMatchObject({ failing: false, memoryBytes: 0 })
      await outbox.issueGap()
      await outbox.commit([readings('a', 1e6, 1)])
      const [ledger] = (await texts<LedgerRecord>(outbox, 'ledger')).slice(-1)
      expect(ledger!.devices.a!.read).toEqual([10 + 10 + 99 * 10 + 1, 0])
      expect(ledger!.devices.a!.evicted[0]).toBeGreaterThan(500)
      expect(all(outbox).some(({ kind, last }) => kind === 'data' && last === 99_009)).toBe(true)
      await checkAccounts(outbox)
    },
  )

  test('a file damaged while in use is replaced, and what it held is in the gap', async () => {
    const storage = memoryStorage()
    const outbox = await open(storage, { ledgerEveryMs: 0 })
    for (let i = 0; i < 5; i++) await outbox.commit([readings('a', i * 1000, 10)])
    storage.fault = 'AGENT_OUTBOX_CORRUPT'
    expect(await outbox.commit([readings('a', 9000, 10)])).toBe(true)
    await outbox.issueGap()
    await outbox.commit([readings('b', 9000, 10)])
    await checkAccounts(outbox)
    const again = await open(storage)
    expect((await texts<LedgerRecord>(again, 'ledger')).at(-1)).toMatchObject({
      stream: outbox.stream,
      devices: { a: { read: [60, 0] } },
    })
  })

  test('an entry whose bytes have changed on the disk is set aside and named', async () => {
    const storage = memoryStorage()
    const outbox = await open(storage, { cacheBytesMax: 0 })
    await outbox.commit([readings('a', 0, 10)])
    const entry = all(outbox).find(({ kind }) => kind === 'data')!
    const stored = (await storage.read([entry.id])).get(entry.id)!
    stored[10] = stored[10]! ^ 1
    expect((await outbox.load([entry])).size).toBe(0)
    await outbox.issueGap()
    expect(outbox.has(entry)).toBe(false)
    expect(storage.asideIds).toEqual([entry.id])
    expect(await texts<GapRecord>(outbox, 'gap')).toMatchObject([
      { reason: 'set-aside', numbers: [[entry.number, entry.number]], devices: { a: [{ lost: [10, 0] }] } },
    ])
  })

  test('bdSeq rises by one over restarts and wraps after 255', async () => {
    const storage = memoryStorage()
    let outbox = await open(storage)
    const seen = [await outbox.nextBdSeq(), await outbox.nextBdSeq()]
    outbox = await open(storage)
    for (let i = 0; i < 255; i++) seen.push(await outbox.nextBdSeq())
    expect(seen.slice(0, 3)).toEqual([0, 1, 2])
    expect(seen.at(-1)).toBe(0)
  })

  test('entries are live while they are fresh, and backlog in order afterwards', async () => {
    const storage = memoryStorage()
    const outbox = await open(storage, { liveMs: 60 })
    await outbox.commit([readings('a', 0, 1)])
    await new Promise((resolve) => setTimeout(resolve, 100))
    await outbox.commit([readings('a', 1000, 1)])
    expect(outbox.next('live', 9).map(({ number }) => number)).toEqual([3])
    expect(outbox.next('backlog', 9).map(({ number }) => number)).toEqual([1, 2])
  })

  test('alarms go first, before what is live, also after a restart, are not evicted, and outlive a lost file', async () => {
    const storage = memoryStorage()
    const outbox = await open(storage, { bytesMax: 4096 })
    for (let k = 0; k < 40; k++) await outbox.commit([readings('a', k * 1000, 20)], { alarms: k === 3 ? ['{"alarm":3}'] : [] })
    expect(outbox.next('live', 1)[0]!.kind).toBe('alarm')
    const again = await open(storage, { bytesMax: 4096 })
    const [first] = again.next('live', 1)
    expect(first!.kind).toBe('alarm')
    await again.commit([], { alarms: ['{"alarm":4}'] })
    again.take(first!)
    expect(again.next('live', 1)[0]!.kind).toBe('alarm')
    storage.fault = 'AGENT_OUTBOX_CORRUPT'
    await again.commit([readings('a', 90_000, 1)])
    expect(await texts(again, 'alarm')).toContainEqual({ alarm: 4 })
  })

  test('whatever is committed, released and evicted over restarts, crashes and faults, the ledger closes', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('commit' as const),
          device: fc.constantFrom('a', 'b'),
          count: fc.nat(40),
          samples: fc.nat(30),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), share: fc.nat(100) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('crash' as const),
          at: fc.constantFrom('before' as const, 'after' as const),
          gap: fc.boolean(),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('restart' as const, 'close' as const, 'gap' as const, 'fault' as const, 'mend' as const),
        }),
      },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.constantFrom('oldest', 'newest', 'decimate'),
        fc.constantFrom({ indexEntriesMax: 8, liveMs: 0 }, {}),
        async (steps, policy, index) => {
          const storage = memoryStorage()
          const options = {
            policy,
            bytesMax: 6000,
            memoryBytesMax: 1000,
            ledgerEveryMs: 0,
            batchReadingsMax: 25,
            releaseMs: 1e6,
            ...index,
          } as const
          const cloud = createCloud()
          let outbox = await open(storage, options)
          let atMs = 0
          for (const one of steps) {
            atMs += 1000
            if (one.do === 'commit') await outbox.commit([readings(one.device, atMs, one.count, one.samples)])
            if (one.do === 'release') await cloud.receipt(outbox, one.share)
            if (one.do === 'gap') await outbox.issueGap()
            if (one.do === 'fault') storage.fault = 'AGENT_OUTBOX_FULL'
            if (one.do === 'mend') await mend(storage, outbox)
            if (one.do === 'crash') {
              await mend(storage, outbox)
              storage.crash = one.at
              if (one.gap) void outbox.issueGap()
              void outbox.commit([readings('a', atMs, 3)])
              await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
              storage.crash = undefined
              outbox = await open(storage, options)
            }
            if (one.do === 'restart' || one.do === 'close') {
              await mend(storage, outbox)
              if (one.do === 'close') await outbox.close()
              outbox = await open(storage, options)
            }
          }
          await mend(storage, outbox)
          await outbox.issueGap()
          await outbox.close()
          outbox = await open(storage, options)
          await outbox.issueGap()
          await receiptAll(cloud, outbox)
          cloud.check()
        },
      ),
      { numRuns: 120 },
    )
  })

  test('a long outbox is known by pages, which are listed in order when their turn comes', async () => {
    const storage = memoryStorage()
    const options = { indexEntriesMax: 40, liveMs: 0, ledgerEveryMs: 1e9 }
    const outbox = await open(storage, options)
    for (let i = 0; i < 300; i++) await outbox.commit([readings('a', i * 1000, 2), readings('b', i * 1000, 1)])
    const again = await open(storage, options)
    for (const each of [outbox, again]) {
      expect(each.status().entries).toBeGreaterThanOrEqual(600)
      expect(each.status().indexed).toBeLessThan(70)
    }
    const seen: number[] = []
    while (again.status().entries > 0) {
      const sent = again.next('backlog', 1e6)
      for (const entry of sent) again.take(entry)
      for (const { stream, number, kind } of sent) if (stream === outbox.stream && kind === 'data') seen.push(number)
      again.release(sent)
      await again.commit([])
    }
    expect(seen.length).toBe(600)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  test.each(['oldest', 'decimate'] as const)(
    'at the bound with %s a long outbox evicts pages, and accounts for all',
    async (policy) => {
      const options = { indexEntriesMax: 40, liveMs: 0, ledgerEveryMs: 0, policy, bytesMax: 300_000 }
      const storage = memoryStorage()
      const outbox = await open(storage, options)
      for (let i = 0; i < 1500; i++) await outbox.commit([readings('a', i * 1000, 2), readings('b', i * 1000, 1)])
      expect(outbox.status().bytes).toBeLessThanOrEqual(300_000)
      expect(outbox.status().indexed).toBeLessThan(70)
      await outbox.close()
      const again = await open(storage, options)
      const cloud = createCloud()
      await again.issueGap()
      await receiptAll(cloud, again)
      cloud.check()
      expect(cloud.gaps().length).toBeGreaterThan(0)
    },
  )

  test('a file damaged while most of it is known by pages is named whole in the gap', async () => {
    const storage = memoryStorage()
    const outbox = await open(storage, { indexEntriesMax: 40, liveMs: 0, ledgerEveryMs: 0 })
    for (let i = 0; i < 300; i++) await outbox.commit([readings('a', i * 1000, 2), readings('b', i * 1000, 1)])
    storage.fault = 'AGENT_OUTBOX_CORRUPT'
    expect(await outbox.commit([readings('a', 1e6, 10)])).toBe(true)
    await outbox.issueGap()
    await outbox.commit([readings('b', 1e6, 10)])
    await checkAccounts(outbox)
  })

  test('an altered or missing record of a page is damage of the file, and all of it is named', async () => {
    for (const alter of ['meta', 'gone'] as const) {
      const storage = memoryStorage()
      const outbox = await open(storage, { indexEntriesMax: 40, liveMs: 0, ledgerEveryMs: 1e9 })
      for (let i = 0; i < 100; i++) await outbox.commit([readings('a', i * 1000, 2)])
      if (alter === 'meta') storage.alter(50, (meta) => meta.replace('"a"', '"b"'))
      else storage.alter(50, () => undefined)
      const cloud = createCloud()
      for (let k = 0; k < 20; k++) await cloud.receipt(outbox, 100)
      await outbox.issueGap()
      await outbox.close()
      const again = await open(storage)
      await cloud.receipt(again, 100)
      expect(cloud.gaps().length).toBeGreaterThan(0)
      cloud.check()
    }
  })
})

async function mend(storage: MemoryStorage, outbox: Outbox): Promise<void> {
  storage.fault = undefined
  await outbox.nextBdSeq()
}

/** A page at a time; what is evicted in between is told too. */
async function receiptAll(cloud: ReturnType<typeof createCloud>, outbox: Outbox): Promise<void> {
  while (outbox.status().entries > 0) {
    await cloud.receipt(outbox, 100)
    if (outbox.hasGap()) await outbox.issueGap()
  }
}

/** The equation for one run: read = kept + evicted by the gaps, and every number is either kept or in a gap. */
async function checkAccounts(outbox: Outbox): Promise<void> {
  const cloud = createCloud()
  await cloud.receipt(outbox, 100)
  cloud.check()
}

/** What the cloud would do with what it is sent: settles streams by their closing or newest ledger record. */
function createCloud() {
  const seen = new Map<string, Map<number, Entry>>()
  const gaps: GapRecord[] = []
  const ledgers = new Map<string, LedgerRecord>()
  return {
    async receipt(outbox: Outbox, share: number): Promise<void> {
      const waiting = all(outbox)
      const sent = waiting.slice(0, Math.ceil((waiting.length * share) / 100))
      const contents = await outbox.load(sent)
      for (const [entry, content] of contents) {
        outbox.take(entry)
        const numbers = seen.get(entry.stream) ?? new Map()
        expect(numbers.has(entry.number)).toBe(false)
        seen.set(entry.stream, numbers.set(entry.number, entry))
        const text = 'text' in content ? content.text : '{}'
        if (entry.kind === 'gap') gaps.push(JSON.parse(text))
        if (entry.kind !== 'ledger') continue
        const ledger = JSON.parse(text) as LedgerRecord
        const known = ledgers.get(ledger.stream)
        if (!known || known.through < ledger.through) ledgers.set(ledger.stream, ledger)
      }
      outbox.release(sent)
      await outbox.nextBdSeq()
    },
    gaps: () => gaps,
    check(): void {
      for (const [stream, { through, devices }] of ledgers) checkStream(stream, through, devices)
    },
  }

  function checkStream(stream: string, through: number, devices: Record<string, EdgeCounts>): void {
    const own = gaps.filter((gap) => gap.stream === stream)
    const sums: Record<string, [number, number]> = {}
    for (let number = 1; number <= through; number++) {
      const entry = seen.get(stream)?.get(number)
      const gap = own.some(({ numbers }) => inRanges(numbers, number))
      expect([stream, number, Boolean(entry) !== gap]).toEqual([stream, number, true])
      if (entry?.kind === 'data') add(sums, entry.device, [entry.count, entry.samples])
    }
    for (const gap of own)
      for (const [device, stretches] of Object.entries(gap.devices)) for (const { lost } of stretches) add(sums, device, lost)
    for (const [device, { read }] of Object.entries(devices))
      expect([stream, device, sums[device] ?? [0, 0]]).toEqual([stream, device, read])
  }

  function add(sums: Record<string, [number, number]>, device: string, [count, samples]: [number, number]): void {
    sums[device] ??= [0, 0]
    sums[device][0] += count
    sums[device][1] += samples
  }
}
