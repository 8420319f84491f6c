import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ruleFileSchema } from '@millrace/cloud-processor/rules'
import type { TimelineRecord } from '@millrace/contract'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { answer } from './answer.ts'
import { type CountedGrid, countGrid, parseGrid, runsOf } from './grid.ts'
import { csvOf, printGrid, svgOf } from './grid-print.ts'
import { livedWard, rules } from './testing/lived-ward.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-grid-'))
afterAll(() => rmSync(folder, { recursive: true }))

const startMs = Date.UTC(2026, 0, 1)
const low = { name: 'low', channel: 'spo2', condition: 'below', set: 88, clear: 90, delayOffMs: 2000 }

/** One value each so many milliseconds, undefined for none, with ticks behind it. */
function gridOver(
  values: (number | undefined)[],
  { everyMs, text, rule = low }: { everyMs: number; text: string; rule?: object },
) {
  const file = ruleFileSchema.parse({ staleMs: 2 * everyMs, rules: [rule] })
  const grid = parseGrid(text, file)
  const runs = runsOf(grid, file)
  for (const [k, value] of values.entries()) {
    const atMs = startMs + k * everyMs
    const channels = { spo2: { t: [atMs], v: [value ?? 0] } }
    const reading = {
      f: 1,
      k: 'readings',
      subject: 'a',
      device: 'a',
      hist: false,
      receivedMs: atMs,
      channels,
      waves: {},
    } as const
    // Ticks are never more than 5 s apart: a longer pause is an ingest gap.
    const ticks = Array.from(
      { length: Math.ceil(everyMs / 5000) },
      (_, n): TimelineRecord => ({ f: 1, k: 'tick', atMs: atMs + n * 5000 }),
    )
    for (const record of [...(value === undefined ? [] : [reading]), ...ticks])
      for (const run of runs) run.take({ partition: 0, record, source: 0, nowMs: atMs, isBefore: false })
  }
  return countGrid(grid, runs)
}

/** Along each row, that is with a longer delay. */
const fallsAlong = (counts: number[][]) => counts.every((row) => row.every((count, k) => k === 0 || count <= row[k - 1]!))
const across = (counts: number[][]) => counts[0]!.map((_, column) => counts.map((row) => row[column]!))

test('a longer delay never raises more, whatever is measured', () => {
  const text = 'low:limit=84..90:2,delayOnMs=0..8000:2000'
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 80, max: 96 }), { maxLength: 80 }), (values) => {
      expect(fallsAlong(gridOver(values, { everyMs: 1000, text }).counts)).toBe(true)
    }),
    { numRuns: 100 },
  )
})

test('a lower limit can raise more: one long alarm becomes several', () => {
  const values = [85, 83, 85, 83, 85, 83]
  const rule = { ...low, set: 88, clear: 88, delayOffMs: 0 }
  expect(gridOver(values, { everyMs: 1000, text: 'low:limit=84..88:4,delayOnMs=0..0:1', rule }).counts).toEqual([[3], [1]])
})

/** Recordings of real devices lie beside the checkout, or where MILLRACE_RECORDINGS says. */
const recordings = process.env.MILLRACE_RECORDINGS ?? resolve(import.meta.dirname, '../../../../shared/recordings')
const vitals = join(recordings, 'bedside-numerics/vitals.csv')
if (!existsSync(vitals)) console.log(`skipped: a grid over a recording. There is no ${vitals}; set MILLRACE_RECORDINGS.`)

test.skipIf(!existsSync(vitals))('over 32 hours of recorded SpO2 the count falls both ways', () => {
  const lines = readFileSync(vitals, 'utf8').trim().split('\n').slice(1)
  // Zeros mean that the probe was off.
  const values = lines.map((line) => Number(line.split(',')[7]) || undefined)
  const text = 'low:limit=94..97:1,delayOnMs=60000..300000:60000'
  const { counts } = gridOver(values, { everyMs: 60_000, text, rule: { ...low, clear: 88, delayOffMs: 0 } })
  expect(fallsAlong(counts)).toBe(true)
  expect(fallsAlong(across(counts.toReversed()))).toBe(true)
  expect([counts[0]!.at(-1), counts.at(-1)![0]! > 10]).toEqual([0, true])
})

const small: CountedGrid = {
  rule: 'low',
  rows: { key: 'limit', values: [84, 85] },
  columns: { key: 'delayOnMs', values: [0, 180_000] },
  counts: [
    [3, 0],
    [12, 1],
  ],
}

test('a grid is printed as a table, as CSV and as a picture', () => {
  expect(printGrid(small).split('\n').slice(2)).toEqual([
    'limit / delayOnMs  0 s  3 min',
    '84                   3      0',
    '85                  12      1',
  ])
  expect(csvOf(small)).toBe('limit,delayOnMs,alarms\n84,0,3\n84,180000,0\n85,0,12\n85,180000,1\n')
  const svg = svgOf({ ...small, rule: 'a<b&c' }, 1.5)
  expect(svg.match(/<rect /g)).toHaveLength(5)
  expect(svg).toContain('Alarms of a&lt;b&amp;c in 1.5 days')
})

test('a grid is counted in the pass over the log, and written to files', async () => {
  const ward = await livedWard()
  const [path, csv, svg] = ['rules.yaml', 'grid.csv', 'grid.svg'].map((name) => join(folder, name)) as [string, string, string]
  writeFileSync(path, stringify(rules))
  const asked = { grid: 'spo2-low:limit=84..88:2,delayOnMs=0..2000:1000', csv, svg }
  const { value } = await answer(ward.api, path, asked)
  expect(value).toMatchObject({ rules: [{ rule: 'spo2-low', alarms: 3 }, {}, {}] })
  expect((value as { grid: CountedGrid }).grid.counts.at(-1)!.at(-1)).toBe(3)
  expect(readFileSync(csv, 'utf8').split('\n')).toHaveLength(11)
  expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s)
  await expect(answer(ward.api, path, { ...asked, svg: join(folder, 'none/x.svg') })).rejects.toThrow('Cannot write')
  await expect(answer(ward.api, path, { svg })).rejects.toThrow('Give --grid as well')
  await ward.close()
})

test.each([
  ['low', 'is not of the form rule:limit=84..90:1'],
  ['high:set=1..2:1,delayOnMs=0..1:1', 'names no rule of the file. It has low, silent'],
  ['low:set=1..2:1', 'has 1 keys. Name two'],
  ['low:set=1..2:1,set=1..2:1', 'varies set twice'],
  ['low:set=1..2,delayOnMs=0..1:1', 'has "set=1..2", which is not key=from..to:step'],
  ['low:set=2..1:1,delayOnMs=0..1:1', 'has set from 2 to 1'],
  ['low:set=1..2:0,delayOnMs=0..1:1', 'has a step of 0'],
  ['low:set=1..2:0.001,delayOnMs=0..1:1', 'has more than 500 values of set'],
  ['low:set=1..40:1,delayOnMs=0..40:1', 'has 1640 cells, more than 500'],
  ['low:set=91..92:1,delayOnMs=0..1:1', 'low:set=91,delayOnMs=0 makes a rule that is not valid: clear must not be'],
  ['low:sett=91..92:1,delayOnMs=0..1:1', 'Unrecognized key: "sett"'],
  ['silent:limit=1..2:1,afterMs=1000..2000:1000', 'silent has no set that limit could be'],
])('--grid %s is refused', (text, said) => {
  const file = ruleFileSchema.parse({ rules: [low, { name: 'silent', channel: 'spo2', condition: 'absent', afterMs: 4000 }] })
  expect(() => runsOf(parseGrid(text, file), file)).toThrow(said)
})
