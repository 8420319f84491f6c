/** Bytes of the outbox's file are changed at random: by a card that wears out, while the agent runs or while it does not. */
import { copyFileSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Channel, emptyEdgeCounts, type GapRecord, type LedgerRecord } from '@millrace/contract'
import { createMetrics, MillraceError, silentLog, systemClock } from '@millrace/platform'
import { Refusal } from '@millrace/platform/worker-side'
import fc from 'fast-check'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Content } from './content.ts'
import type { Entry } from './entry.ts'
import { outboxSchema } from './options.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import { type OutboxFile, openFile } from './sqlite-file.ts'
import { emptyTransaction, type OutboxStorage } from './storage.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-damage-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const channels: Channel[] = [{ name: 'x', kind: 'number', datatype: 'Int32', unit: '1' }]
const commits = 60

/** Without a thread of its own: hundreds are opened. */
function inProcess(path: string): OutboxStorage {
  let file: OutboxFile | undefined
  const ask = async <T>(work: () => T): Promise<T> => {
    try {
      return work()
    } catch (error) {
      throw error instanceof Refusal ? new MillraceError(error.code, error.values) : error
    }
  }
  return {
    open: (isDamaged) =>
      ask(() => {
        file?.close()
        file = undefined
        const opened = openFile(path, isDamaged)
        file = opened.file
        return opened.loaded
      }),
    list: (firstId, lastId) => ask(() => file!.list(firstId, lastId)),
    commit: (transaction) => ask(() => file!.commit(transaction)),
    read: (ids) => ask(() => file!.read(ids)),
    close: async () => file?.close(),
  }
}

/** As SQLite tells that it has found damage. */
function withFault(storage: OutboxStorage, fault: { isNext: boolean }): OutboxStorage {
  const commit: OutboxStorage['commit'] = async (transaction) => {
    if (!fault.isNext) return storage.commit(transaction)
    fault.isNext = false
    throw new MillraceError('AGENT_OUTBOX_CORRUPT', { path: 'x', detail: 'malformed', aside: 'x' })
  }
  return { ...storage, commit }
}

async function open(path: string, storage = inProcess(path)): Promise<Outbox> {
  const options = outboxSchema.parse({ ledgerEveryMs: 1e9, cacheBytesMax: 0, freeDiskMin: 0, indexEntriesMax: 40, liveMs: 0 })
  const outbox = await openOutbox(storage, options, { clock: systemClock, log: silentLog, metrics: createMetrics() })
  await outbox.declare('a', channels)
  return outbox
}

const drained = (k: number) => ({
  device: 'a',
  columns: { channels: { x: { t: [k * 1000, k * 1000 + 1], v: [k, k + 1] } }, waves: {} },
  bad: [],
  counts: { ...emptyEdgeCounts(), read: [2, 0] as [number, number] },
})

/** A file as a killed agent leaves it, with its write-ahead log; and as one that was stopped leaves it. */
const original = join(folder, 'original.sqlite')
const killed = join(folder, 'killed.sqlite')
const settled = join(folder, 'settled.sqlite')
const stream = await (async () => {
  const outbox = await open(original)
  for (let k = 1; k <= commits; k++) await outbox.commit([drained(k)])
  for (const suffix of ['', '-wal']) copyFileSync(original + suffix, killed + suffix)
  await outbox.close()
  // Of a killed agent whose write-ahead log was just written back.
  for (const suffix of ['', '-wal']) copyFileSync(killed + suffix, settled + suffix)
  const db = new DatabaseSync(settled)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  return outbox.stream
})()

let copies = 0
function copyOf(path: string): string {
  const copy = join(folder, `copy-${copies++}.sqlite`)
  for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
  return copy
}

interface Flip {
  /** Of the file, below 1. */
  at: number
  length: number
  value: number
}

const flips = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    length: fc.constantFrom(1, 1, 8, 512, 4096),
    value: fc.nat(255),
  }),
  {
    minLength: 1,
    maxLength: 6,
  },
)

function damage(path: string, all: Flip[]): void {
  const bytes = readFileSync(path)
  for (const { at, length, value } of all) {
    const from = Math.floor(at * bytes.length)
    for (let k = from; k < Math.min(bytes.length, from + length); k++) bytes[k] = bytes[k]! ^ (value || 1)
  }
  writeFileSync(path, bytes)
}

/** All that can still be sent is as it was written, and what a closing record counts is what was read. */
async function checkTruth(outbox: Outbox): Promise<number> {
  let found = 0
  for (let rounds = 0; outbox.status().entries > 0 && rounds < 1000; rounds++) {
    const entries = outbox.next('backlog', 1e6)
    for (const entry of entries) outbox.take(entry)
    const contents = await outbox.load(entries)
    for (const [entry, content] of contents) found += checkEntry(entry, content)
    outbox.release(entries)
    await outbox.commit([])
  }
  return found
}

async function numbersOf(outbox: Outbox): Promise<{ all: Set<number>; named: number; hasClosing: boolean }> {
  const found = { all: new Set<number>(), named: 0, hasClosing: false }
  await outbox.issueGap()
  while (outbox.status().entries > 0) {
    const entries = outbox.next('backlog', 1e6)
    for (const entry of entries) outbox.take(entry)
    for (const [entry, content] of await outbox.load(entries)) {
      if (entry.stream === stream) found.all.add(entry.number)
      if ('batch' in content) continue
      const record = JSON.parse(content.text)
      if (record.stream !== stream) continue
      found.hasClosing ||= record.closed === true
      for (const [first, last] of (record.numbers ?? []) as [number, number][])
        for (let number = first; number <= last; number++, found.named++) found.all.add(number)
    }
    outbox.release(entries)
    await outbox.commit([])
    if (outbox.hasGap()) await outbox.issueGap()
  }
  return found
}

/** Of the stream: readings that are sent as they were written, those that gaps tell, and the numbers of both. */
async function readingsOf(outbox: Outbox): Promise<{ sent: number; lost: number; numbers: Set<number> }> {
  const found = { sent: 0, lost: 0, numbers: new Set<number>() }
  await outbox.issueGap()
  for (let rounds = 0; outbox.status().entries > 0 && rounds < 1000; rounds++) {
    const entries = outbox.next('backlog', 1e6)
    for (const entry of entries) outbox.take(entry)
    for (const [entry, content] of await outbox.load(entries)) {
      found.sent += 2 * checkEntry(entry, content)
      if (entry.stream === stream) found.numbers.add(entry.number)
      if ('batch' in content || entry.kind !== 'gap') continue
      const gap = JSON.parse(content.text) as GapRecord
      if (gap.stream !== stream) continue
      for (const [first, last] of gap.numbers) for (let number = first; number <= last; number++) found.numbers.add(number)
      for (const { lost } of gap.devices.a ?? []) found.lost += lost[0]
    }
    outbox.release(entries)
    await outbox.commit([])
    if (outbox.hasGap()) await outbox.issueGap()
  }
  return found
}

function checkEntry(entry: Entry, content: Content): number {
  if (entry.stream !== stream) return 0
  if ('batch' in content) {
    const [column] = Object.values(content.batch.columns.channels)
    const k = column!.v[0] as number
    expect(column).toEqual({ t: [k * 1000, k * 1000 + 1], v: [k, k + 1] })
    expect(entry.first).toBe(k * 1000)
    return 1
  }
  const { closed, devices } = JSON.parse(content.text) as LedgerRecord
  if (closed) expect(devices.a?.read ?? [0, 0]).toEqual([2 * commits, 0])
  return 0
}

/** It goes on, or says by code what is wrong and what to do. */
async function openOrRefuse(path: string): Promise<Outbox | undefined> {
  try {
    return await open(path)
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError)
    expect((error as MillraceError).code).toMatch(/^AGENT_OUTBOX_/)
    return undefined
  }
}

describe('an outbox file whose bytes have changed', () => {
  test.each([
    ['of an agent that was stopped', original, ''],
    ['of an agent that was killed', killed, ''],
    ['of an agent that was killed, in its write-ahead log', killed, '-wal'],
  ])('%s: nothing altered is sent, and the agent goes on', async (_, path, suffix) => {
    await fc.assert(
      fc.asyncProperty(flips, async (all) => {
        const copy = copyOf(path)
        damage(copy + suffix, all)
        const outbox = await openOrRefuse(copy)
        if (!outbox) return
        await checkTruth(outbox)
        expect(await outbox.commit([drained(1)])).toBe(true)
        await outbox.close()
      }),
      { numRuns: 60 },
    )
  })

  test('while the agent runs: nothing altered is sent, and it goes on', async () => {
    await fc.assert(
      fc.asyncProperty(flips, async (all) => {
        const copy = copyOf(original)
        const outbox = await open(copy)
        damageInPlace(copy, all)
        for (let k = 1; k <= 5; k++) await outbox.commit([drained(k)])
        await checkTruth(outbox).catch((error) => expect(error).toBeInstanceOf(MillraceError))
        await outbox.commit([drained(1)])
        expect(await outbox.commit([drained(1)])).toBe(true)
        await outbox.close()
      }),
      { numRuns: 60 },
    )
  })

  test.each(['"read":[', 'nextAlias', '"channels":[', 'stream/', '"datatype":"Int'])(
    'in a record that is text, at %s: nothing altered is sent or counted, and the agent goes on',
    async (mark) => {
      const text = readFileSync(settled, 'latin1')
      expect(text).toContain(mark)
      for (let from = text.indexOf(mark); from >= 0; from = text.indexOf(mark, from + 1)) {
        const copy = copyOf(settled)
        const bytes = readFileSync(copy)
        bytes[from + mark.length] = bytes[from + mark.length]! ^ 1
        writeFileSync(copy, bytes)
        const outbox = await openOrRefuse(copy)
        if (!outbox) continue
        await checkTruth(outbox)
        await outbox.close()
      }
    },
  )

  test('whichever page is lost, each number of the stream is there or named in a gap, unless the record of the stream is lost too', async () => {
    const pages = readFileSync(settled).length / 4096
    let named = 0
    for (let page = 1; page < pages; page++) {
      const copy = copyOf(settled)
      const bytes = readFileSync(copy)
      writeFileSync(copy, bytes.fill(0, page * 4096, (page + 1) * 4096))
      const outbox = await open(copy)
      const numbers = await numbersOf(outbox)
      await outbox.close()
      if (numbers.hasClosing)
        for (let number = 1; number <= commits; number++) expect([page, numbers.all.has(number)]).toEqual([page, true])
      named += numbers.named
    }
    expect(named).toBeGreaterThan(commits / 2)
  })

  test('whichever page is lost while the agent runs, the entries of the others stay, and each reading of those lost is in a gap', async () => {
    const pages = readFileSync(settled).length / 4096
    let kept = 0
    for (let page = 1; page < pages; page++) {
      const copy = copyOf(settled)
      const fault = { isNext: false }
      const outbox = await open(copy, withFault(inProcess(copy), fault))
      const fd = openSync(copy, 'r+')
      writeSync(fd, Buffer.alloc(4096), 0, 4096, page * 4096)
      fault.isNext = true
      expect(await outbox.commit([drained(commits + 1)])).toBe(true)
      const { sent, lost, numbers } = await readingsOf(outbox)
      expect([page, sent + lost]).toEqual([page, 2 * commits])
      for (let number = 1; number <= commits; number++) expect([page, numbers.has(number)]).toEqual([page, true])
      kept += sent / 2
      expect(await outbox.commit([drained(1)])).toBe(true)
      await outbox.close()
      const again = await open(copy)
      await checkTruth(again)
      await again.close()
    }
    expect(kept / (pages - 1)).toBeGreaterThan(commits / 2)
  })

  test('what was receipted before the damage, and is in the recovered file again, is removed', async () => {
    const copy = copyOf(settled)
    const fault = { isNext: false }
    const disk = inProcess(copy)
    let first: { id: number; meta: string; payload: Uint8Array } | undefined
    const reverted: OutboxStorage = {
      ...withFault(disk, fault),
      async open(isDamaged) {
        const loaded = await disk.open(isDamaged)
        if (!isDamaged) return loaded
        await disk.commit({ ...emptyTransaction(), put: [first!] })
        return { ...loaded, entries: await disk.list(0, 1e9) }
      },
    }
    const outbox = await open(copy, reverted)
    const [entry] = outbox.next('backlog', 1)
    const [row] = await disk.list(entry!.id, entry!.id)
    first = { ...row!, payload: (await disk.read([entry!.id])).get(entry!.id)! }
    outbox.take(entry!)
    outbox.release([entry!])
    await outbox.commit([])
    await vi.waitFor(async () => expect(await disk.list(entry!.id, entry!.id)).toEqual([]))
    fault.isNext = true
    expect(await outbox.commit([drained(commits + 1)])).toBe(true)
    expect(await disk.list(entry!.id, entry!.id)).toEqual([])
    expect(outbox.hasGap()).toBe(false)
    await outbox.close()
  })

  test('with one page of it unreadable, the entries of the other pages are recovered', async () => {
    const copy = copyOf(original)
    damage(copy, [{ at: 0.6, length: 64, value: 255 }])
    const outbox = await open(copy)
    expect(await checkTruth(outbox)).toBeGreaterThan(commits / 4)
    await outbox.close()
  })
})

function damageInPlace(path: string, all: Flip[]): void {
  const bytes = readFileSync(path)
  const fd = openSync(path, 'r+')
  for (const { at, length, value } of all) {
    const from = Math.floor(at * bytes.length)
    const part = bytes.subarray(from, from + length).map((byte) => byte ^ (value || 1))
    writeSync(fd, part, 0, part.length, from)
  }
}
