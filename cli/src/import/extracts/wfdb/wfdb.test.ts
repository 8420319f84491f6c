import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { blocksOf, extractConformance } from '../conformance.ts'
import type { Extract } from '../extract.ts'
import { wfdb } from './wfdb.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-wfdb-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'r.hea')
const start: { at: number; rows: number } = { at: 0, rows: 0 }
const startMs = Date.UTC(2026, 10, 1)
const config = { start: '2026-11-01T00:00:00Z' }

/** Two samples of 12 bits in three bytes. */
function pack212(samples: number[]): Buffer {
  const bytes: number[] = []
  for (let k = 0; k < samples.length; k += 2) {
    const [a, b] = [samples[k]! & 0xfff, (samples[k + 1] ?? 0) & 0xfff]
    bytes.push(a & 0xff, (a >> 8) | ((b >> 8) << 4), b & 0xff)
  }
  return Buffer.from(bytes)
}

function writeNumerics(rows: number): void {
  writeFileSync(path, `r 2 0.016666666667 ${rows}\nr.dat 16 10/bpm 16 0 0 0 0 HR\nr.dat 16 1/mmHg 16 0 0 0 0 NBP Sys\n`)
  const dat = Buffer.alloc(rows * 4)
  for (let k = 0; k < rows; k++) {
    dat.writeInt16LE(600 + (k % 100), k * 4)
    dat.writeInt16LE(k % 7 === 0 ? 120 : -32768, k * 4 + 2)
  }
  writeFileSync(join(folder, 'r.dat'), dat)
}

describe('numerics', () => {
  extractConformance(wfdb as unknown as Extract, () => {
    writeNumerics(12_000)
    return { path, config, rows: 12_000 }
  })

  test('are rows of values, without those that are none', async () => {
    writeNumerics(3)
    const [block] = await blocksOf(wfdb.read(path, config, start))
    expect(block!.rows.map(({ fields }) => fields)).toEqual([
      { time: startMs, HR: 60, 'NBP Sys': 120 },
      { time: startMs + 60_000, HR: 60.1 },
      { time: startMs + 120_000, HR: 60.2 },
    ])
  })
})

describe('waveforms', () => {
  const frames = 9001
  /** Three samples a frame: one of ECG, two of a pressure. */
  const values = Array.from({ length: frames * 3 }, (_, k) => (k % 4000) - 2000)
  const write = () => {
    const header = `r 2 100 ${frames} 12:30:00 01/11/2026\nr.dat 212 200(1024)/mV 12 0 0 0 0 II\nr.dat 212x2:3 12.5/mmHg 12 0 0 0 0 ABP`
    writeFileSync(path, `# a comment\n${header}\n# another\n`)
    writeFileSync(join(folder, 'r.dat'), pack212(values))
  }

  test('keep the integers of the record, with scale, unit and interval, and every sample once', async () => {
    write()
    const blocks = await blocksOf(wfdb.read(path, {}, start))
    const samples = (name: string) => blocks.flatMap(({ waves }) => waves![name]!.flatMap(({ v }) => v))
    expect(samples('II')).toEqual(values.filter((_, k) => k % 3 === 0))
    expect(samples('ABP')).toEqual(values.filter((_, k) => k % 3 !== 0))
    expect(blocks[1]!.waves!.ABP![0]).toMatchObject({ t: Date.UTC(2026, 10, 1, 12, 30, 20), i: 5 })
    expect(wfdb.channels!(path, {})).toEqual([
      expect.objectContaining({ name: 'II', unit: 'mV', scale: 1 / 200, offset: -1024 / 200, intervalMs: 10, historical: true }),
      expect.objectContaining({ name: 'ABP', unit: 'mm[Hg]', scale: 0.08, intervalMs: 5 }),
    ])
    for (const [k, { place }] of blocks.entries()) expect(await blocksOf(wfdb.read(path, {}, place))).toEqual(blocks.slice(k + 1))
  })

  test('of a record that was cut off, or has no date, nothing is read', async () => {
    write()
    writeFileSync(join(folder, 'r.dat'), pack212(values.slice(0, -30)))
    await expect(blocksOf(wfdb.read(path, {}, start))).rejects.toThrow(/cut off/)
    writeNumerics(3)
    await expect(blocksOf(wfdb.read(path, {}, start))).rejects.toThrow(/say `start`/)
  })
})
