/**
 * What every analysis must do, as a test suite that each plug-in's test runs:
 *
 * - its entry is accepted, a key that it does not know and one that cannot be meant are refused;
 * - it tells what it declares, of that kind, each output in the order of its times;
 * - the same samples give the same readings, however they are cut, and with the memory stored and read back between any two;
 * - the memory is plain data within its bound, whatever comes.
 */
import type { Channel, Segment } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Analysis, SourceReading } from './analysis.ts'
import { analysesSchema } from './config.ts'
import { analysisOf } from './index.ts'

export interface Example {
  /** Its own keys; where absent all have defaults. */
  keys?: object
  /** Keys that cannot be meant. */
  faulty: object[]
  sources: Channel[]
  /** Long enough that every output is told. */
  samples: Sample[]
}

export type Sample = Segment | SourceReading
export type Told = [output: string, t: number, value: number | string | boolean, isBad: boolean]

const numRuns = 30

export function testAnalysis(analysis: Analysis, { keys = {}, faulty, sources, samples }: Example): void {
  const entry = entryOf(analysis, sources, keys)
  const all = tellAll(analysis, entry, sources, samples)

  describe(analysis.name, () => {
    test('is in the list; what it does not know, or cannot be meant, is refused', () => {
      expect(analysisOf({ analysis: analysis.name })).toBe(analysis)
      const isAccepted = (more: object) => analysesSchema.safeParse([{ ...entry, ...more }]).success
      expect(isAccepted({})).toBe(true)
      for (const wrong of [{ colour: 1 }, { channels: [] }, { channels: ['a', 'b', 'c'] }, ...faulty])
        expect([wrong, isAccepted(wrong)]).toEqual([wrong, false])
    })

    test('tells each of its outputs, of its kind, in the order of time', () => {
      const outputs = new Map(analysis.outputs(entry, sources).map((output) => [output.name, output.kind]))
      expect([...new Set(all.map(([output]) => output))].sort()).toEqual([...outputs.keys()].sort())
      for (const [output, list] of Map.groupBy(all, ([output]) => output)) {
        const kind = { number: 'number', text: 'string', boolean: 'boolean' }[outputs.get(output)!]
        expect(list.filter(([, , value]) => typeof value !== kind || !isPlain(value))).toEqual([])
        expect(list.filter(([, t], k) => k > 0 && t < list[k - 1]![1])).toEqual([])
      }
    })

    test('cut anywhere, with the memory stored between, it tells the same', () => {
      const property = fc.property(fc.array(fc.nat(97), { minLength: 1, maxLength: 20 }), (cuts) => {
        expect(tellAll(analysis, entry, sources, cutUp(samples, cuts), true)).toEqual(all)
      })
      fc.assert(property, { numRuns: 5 })
    })

    test('its memory stays plain and within its bound, whatever comes', () => {
      const property = fc.property(fc.array(anything(analysis, sources.length), { maxLength: 40 }), (odd) => {
        const memory = analysis.memory.empty(entry)
        const told = tellAll(analysis, entry, sources, rising([...samples, ...odd]), false, memory)
        expect(told.filter(([, t, value]) => !Number.isFinite(t) || !isPlain(value))).toEqual([])
        const json = JSON.stringify(memory)
        // Minus zero becomes zero, which computes the same.
        expect(JSON.stringify(JSON.parse(json))).toBe(json)
        expect(findOdd(memory)).toEqual([])
        expect(json.length).toBeLessThanOrEqual(analysis.memory.bytesMax)
      })
      fc.assert(property, { numRuns })
    })
  })
}

/** With the defaults of its keys. */
export function entryOf(analysis: Analysis, sources: Channel[], keys: object = {}) {
  const channels = sources.map(({ name }) => name)
  const [entry] = analysesSchema.parse([{ name: 'x', analysis: analysis.name, channels, ...keys }])
  return entry!
}

/** @param isStored the memory goes through JSON, and the run is opened again, between any two samples */
export function tellAll(
  analysis: Analysis,
  entry: object,
  sources: Channel[],
  samples: Sample[],
  isStored = false,
  memory = analysis.memory.empty(entry),
): Told[] {
  const told: Told[] = []
  let kept = memory
  let run = analysis.open(entry, sources)
  for (const sample of samples) {
    if ('source' in sample) run.take!(kept, sample, (...one) => told.push([one[0], one[1], one[2], one[3] ?? false]))
    else run.takeSegment!(kept, sample, (...one) => told.push([one[0], one[1], one[2], one[3] ?? false]))
    if (!isStored) continue
    kept = JSON.parse(JSON.stringify(kept))
    run = analysis.open(entry, sources)
  }
  return told
}

/** What JSON would not carry. */
function findOdd(value: unknown): unknown[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [value]
  if (value === undefined || typeof value === 'function') return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(findOdd) : []
}

const isPlain = (value: unknown) => typeof value !== 'number' || Number.isFinite(value)

/** Segments in other pieces; readings come one by one already. */
function cutUp(samples: Sample[], cuts: number[]): Sample[] {
  let next = 0
  return samples.flatMap((sample): Sample[] => {
    if ('source' in sample) return [sample]
    const { t, i, v } = sample
    const size = 1 + cuts[next++ % cuts.length]!
    return Array.from({ length: Math.ceil(v.length / size) }, (_, k) => ({
      t: t + k * size * i,
      i,
      v: v.slice(k * size, (k + 1) * size),
    }))
  })
}

function anything({ takes }: Analysis, sources: number): fc.Arbitrary<Sample> {
  const t = fc.integer({ min: 0, max: 100_000 })
  if (takes === 'waveform')
    return fc.record({
      t,
      i: fc.constantFrom(1, 2, 2.7777, 4, 8, 40),
      v: fc.array(fc.oneof(fc.integer({ min: -32768, max: 32767 }), fc.double({ noNaN: true, noDefaultInfinity: true })), {
        maxLength: 300,
      }),
    })
  const source = fc.nat(sources - 1)
  const value =
    takes === 'text' ? fc.string({ maxLength: 400, unit: 'grapheme' }) : fc.double({ noNaN: true, noDefaultInfinity: true })
  return fc.record({ source, t, value })
}

/** Each later than all before it, by what its time was. */
function rising(samples: Sample[]): Sample[] {
  let nowMs = 0
  return samples.map((sample) => {
    const t = Math.max(nowMs + (sample.t % 1000) + 1, sample.t)
    nowMs = 'source' in sample ? t : t + sample.v.length * sample.i
    return { ...sample, t }
  })
}
