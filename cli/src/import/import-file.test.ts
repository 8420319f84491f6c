/** An import with a target that is killed: what a file gives is the same, wherever it is. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Drained } from '@millrace/edge-agent/outbox'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { filesOf } from './files.ts'
import { type ImportContext, importFile } from './import-file.ts'
import { loadJob } from './job.ts'
import type { Target } from './target.ts'
import type { Watermark } from './watermark.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-import-'))
afterAll(() => rmSync(folder, { recursive: true }))
const csv = join(folder, 'rows.csv')
const startMs = Date.UTC(2026, 10, 1)

class Killed extends Error {}

/** Keeps what was committed; is killed at a commit, of which nothing is left then. */
class Memory implements Target {
  readonly marks = new Map<string, string>()
  readonly drained: Drained[] = []
  killAt = Number.POSITIVE_INFINITY
  commits = 0

  watermark(key: string): Watermark | undefined {
    const text = this.marks.get(key)
    return text === undefined ? undefined : JSON.parse(text)
  }

  async declare(): Promise<void> {}

  async commit(drained: Drained[], key: string, mark: Watermark): Promise<void> {
    if (++this.commits === this.killAt) throw new Killed()
    this.marks.set(key, JSON.stringify(mark))
    this.drained.push(...drained)
  }

  readings(): string[] {
    const all = this.drained.flatMap(({ device, columns }) =>
      Object.entries(columns.channels).flatMap(([name, { t, v }]) => t.map((at, k) => `${device}/${name}@${at}=${v[k]}`)),
    )
    return all.sort()
  }
}

let rejects: string
beforeEach(() => {
  rejects = mkdtempSync(join(folder, 'rejects-'))
})

function fileOf(source: object = {}) {
  const path = join(folder, 'job.yaml')
  const channels = { hr: { unit: '/min', min: 20, max: 300, missing: [0] }, note: { kind: 'text' } }
  const of = { files: [csv], extract: { kind: 'csv' }, time: { column: 'time' }, device: { column: 'device' }, channels }
  writeFileSync(path, JSON.stringify({ sources: [{ ...of, ...source }] }))
  return filesOf(loadJob(path).sources)[0]!
}

function contextOf(target: Target, more: Partial<ImportContext> = {}): ImportContext {
  const bounds = { fromMs: 0, keptFromMs: Number.NEGATIVE_INFINITY, toMs: startMs + 1e9 }
  const base = { bounds, owners: new Map(), tooOld: 'stop', rejectsMax: 1e6, rejectsFolder: rejects } as const
  return { ...base, target, onBlock() {}, isStopped: () => false, ...more }
}

/** Some rows are bad by their number. */
function writeRows(count: number): void {
  const lines = Array.from({ length: count }, (_, k) => {
    const start = `${startMs + k * 1000},bed-${k % 3}`
    if (k % 101 === 7) return start
    if (k % 103 === 5) return `${start},500,late`
    return k % 107 === 3 ? `${start},0,` : `${start},${60 + (k % 40)},${k % 5 === 0 ? 'ok' : ''}`
  })
  writeFileSync(csv, `time,device,hr,note\n${lines.join('\n')}\n`)
}

test('wherever it is killed, every reading is there once, and counts and refused rows are the same', async () => {
  writeRows(30_000)
  const whole = new Memory()
  const { counts, rejects: path } = await importFile(fileOf(), contextOf(whole))
  const refused = readFileSync(path!, 'utf8')
  const { read, refused: gone, empty } = counts.rows
  expect([read, gone + empty > 0, counts.readings.written]).toEqual([30_000, true, whole.readings().length])
  expect(refused.trimEnd().split('\n')).toHaveLength(Object.values(counts.reasons).reduce((sum, n) => sum + n))
  for (let kill = 1; kill <= whole.commits; kill++) {
    rejects = mkdtempSync(join(folder, 'rejects-'))
    const target = new Memory()
    target.killAt = kill
    await expect(importFile(fileOf(), contextOf(target))).rejects.toThrow(Killed)
    const again = await importFile(fileOf(), contextOf(target))
    expect(again.counts).toEqual(counts)
    expect(target.readings()).toEqual(whole.readings())
    expect(readFileSync(again.rejects!, 'utf8')).toBe(refused)
  }
})

test('a file that was imported is not read again; what was appended is', async () => {
  writeRows(100)
  const target = new Memory()
  await importFile(fileOf(), contextOf(target))
  const before = target.readings().length
  utimesSync(csv, 1, 1)
  expect(await importFile(fileOf(), contextOf(target))).toMatchObject({ isOld: true })
  appendFileSync(csv, `${startMs + 1e6},bed-1,70,\n`)
  expect(await importFile(fileOf(), contextOf(target))).toMatchObject({ isOld: false, counts: { rows: { read: 101 } } })
  expect(target.readings()).toHaveLength(before + 1)
})

test.each([
  ['shorter', () => truncateSync(csv, 500)],
  ['written over', () => writeFileSync(csv, readFileSync(csv, 'utf8').replace('bed-0', 'bed-9'))],
])('a file that is %s than what was imported of it is named', async (_, change) => {
  writeRows(100)
  const target = new Memory()
  await importFile(fileOf(), contextOf(target))
  change()
  await expect(importFile(fileOf(), contextOf(target))).rejects.toMatchObject({ code: 'IMPORT_CHANGED' })
})

test('a file that is written while it is read is named, and is not done', async () => {
  writeRows(100)
  const target = new Memory()
  const onBlock = () => appendFileSync(csv, 'x')
  await expect(importFile(fileOf(), contextOf(target, { onBlock }))).rejects.toMatchObject({ code: 'IMPORT_CHANGED' })
  expect([...target.marks.values()].map((text) => JSON.parse(text).isDone)).toEqual([false])
})

test('before a row older than the store keeps it stops, or refuses it, or sends it', async () => {
  writeRows(10)
  const bounds = { fromMs: 0, keptFromMs: startMs + 4000, toMs: startMs + 1e9 }
  const stopping = importFile(fileOf(), contextOf(new Memory(), { bounds }))
  await expect(stopping).rejects.toMatchObject({ code: 'IMPORT_TOO_OLD', message: expect.stringMatching(/Row 1 .*retention/s) })
  const { counts } = await importFile(fileOf(), contextOf(new Memory(), { bounds, tooOld: 'refuse' }))
  expect(counts.reasons['too-old']).toBe(4)
})

test('a device of another node is named', async () => {
  writeRows(10)
  const owners = new Map([['bed-1', 'ward/gateway-1']])
  await expect(importFile(fileOf(), contextOf(new Memory(), { owners }))).rejects.toMatchObject({ code: 'IMPORT_DEVICE_TAKEN' })
})

test('what is refused is counted by its reason, in the ledger of its device too', async () => {
  const rows = [
    'yesterday,b,60,',
    `${startMs},,60,`,
    `${startMs},b/1,60,`,
    `${startMs},b,x,`,
    `${startMs},b,61,`,
    `${startMs},b,62,`,
  ]
  writeFileSync(csv, `time,device,hr,note\n${rows.join('\n')}\n${startMs * 2},b,60,\n,b,60,\n`)
  const target = new Memory()
  const { counts } = await importFile(fileOf(), contextOf(target))
  expect(counts).toMatchObject({
    rows: { read: 8, refused: 6, empty: 0 },
    readings: { written: 1, refused: 2 },
    reasons: { time: 1, device: 2, 'not-a-number': 1, future: 1, 'no-time': 1, 'time-repeated': 1 },
  })
  expect(target.drained.map((one) => [one.device, one.counts.read, one.counts.rejected])).toEqual([['b', [3, 0], [2, 0]]])
})
