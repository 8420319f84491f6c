/**
 * What every decoder must do, as a test suite that each plug-in's test runs:
 *
 * - the golden cases in `cases/*.json` give exactly the calls listed, whole or byte by byte;
 * - any chunking gives the same calls;
 * - any garbage and any damage never throws, costs no frame but those it touched, and is reported with its bytes, once;
 * - what the encoder makes, the decoder reads back;
 * - a channel's times never fall, and are not ahead of arrival by more than an interval; that none is given twice is the
 *   intake's work (times.ts).
 *
 * A case file: `{ "title", "source", "config"?, "encode"?: Frame, "chunks": [{ "atMs", "hex" | "text" }], "calls": [...] }`,
 * a call being `["frame"]`, `["reading", channel, atMs, value]`, `["sample", channel, atMs, value]`,
 * `["absent", channel, atMs, reason]` or `["bad", atMs, reason, hex]`. Times are relative to an epoch of the suite's.
 * With `encode`, the encoder must give exactly the bytes of the chunks.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Value } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DecoderPlugin, Frame } from './decoder.ts'
import { stretchBytesMax } from './framer.ts'
import { decoderPlugins } from './index.ts'
import { type Call, epochMs, recorder } from './recorder.ts'

export interface Variant<Config> {
  name: string
  config: Config
  /** Frames that the encoder takes and that read back as they are. */
  frame: fc.Arbitrary<Frame>
  /** Bytes that can be neither a frame nor the start of one. */
  garbage: fc.Arbitrary<Uint8Array>
  /** Time between frames on the wire. */
  intervalMs: number
  /** Frames are told apart by their ends alone, as lines are: a damaged end takes the next frame with it. */
  endsOnly?: boolean
}

interface Case {
  title: string
  source: string
  config?: unknown
  encode?: Frame
  chunks: { atMs: number; hex?: string; text?: string }[]
  calls: Call[]
}

type Chunk = { bytes: Uint8Array; atMs: number }

/** Fixed, so that a run can be repeated; `MILLRACE_SEED` tries another. fast-check prints it with a failure. */
const seed = Number(process.env.MILLRACE_SEED ?? 20261101)

export function describeDecoder<Config>(plugin: DecoderPlugin<Config>, casesDir: string, variants: Variant<Config>[]): void {
  it(`${plugin.kind} is in the list under its kind`, () => expect(decoderPlugins[plugin.kind]).toBe(plugin))
  describe(`${plugin.kind}: golden cases`, () => {
    for (const file of readdirSync(casesDir).filter((name) => name.endsWith('.json'))) golden(plugin, join(casesDir, file))
  })
  for (const variant of variants) describe(`${plugin.kind} (${variant.name})`, () => properties(plugin, variant))
}

function golden<Config>(plugin: DecoderPlugin<Config>, path: string): void {
  const { title, config, encode, chunks, calls } = JSON.parse(readFileSync(path, 'utf8')) as Case
  const parsed = plugin.schema.parse(config ?? {})
  const parts = chunks.map(({ atMs, hex, text }) => ({
    atMs: epochMs + atMs,
    bytes: hex === undefined ? Buffer.from(text ?? '') : Buffer.from(hex.replaceAll(' ', ''), 'hex'),
  }))
  it(title, () => {
    expect(run(plugin, parsed, parts)).toEqual(calls)
    expect(run(plugin, parsed, byByte(parts))).toEqual(calls)
    if (encode) expect(hex(plugin.createEncoder(parsed)(encode))).toBe(hex(Buffer.concat(parts.map((part) => part.bytes))))
  })
}

function properties<Config>(plugin: DecoderPlugin<Config>, variant: Variant<Config>): void {
  const { config, frame, garbage, intervalMs, endsOnly = false } = variant
  const frames = fc.array(frame, { minLength: 1, maxLength: 12 })
  const assert = (property: fc.IProperty<never>) => fc.assert(property as fc.IProperty<unknown>, { seed, numRuns: 100 })
  const encodeAll = (list: Frame[]) => {
    const encode = plugin.createEncoder(config)
    return list.map((item) => encode(item))
  }
  const spaced = (parts: Uint8Array[]) => parts.map((bytes, k) => ({ bytes, atMs: epochMs + Math.ceil(k * intervalMs) }))
  const decodeAll = (bytes: Uint8Array[]) => run(plugin, config, spaced(bytes))

  it('reads back what its encoder made, with times that do not fall or run ahead', () => {
    assert(
      fc.property(frames, (list) => {
        const calls = decodeAll(encodeAll(list))
        expect(valuesOf(calls)).toEqual(list.flatMap((item) => expected(plugin, config, item)))
        expect(calls.filter(([kind]) => kind === 'bad')).toEqual([])
        expectNoFall(calls, Math.ceil((list.length - 1) * intervalMs) + intervalMs + 1)
      }) as never,
    )
  })

  it('gives the same calls however the bytes are cut', () => {
    const pieces = fc.array(fc.oneof({ weight: 3, arbitrary: frame }, garbage, fc.uint8Array({ maxLength: 40 })), {
      maxLength: 12,
    })
    const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 })
    assert(
      fc.property(pieces, cuts, (list, lengths) => {
        const encode = plugin.createEncoder(config)
        const chunks = spaced(list.map((piece) => (piece instanceof Uint8Array ? piece : encode(piece))))
        const whole = run(plugin, config, chunks)
        expect(run(plugin, config, cut(chunks, lengths))).toEqual(whole)
        expect(run(plugin, config, byByte(chunks))).toEqual(whole)
      }) as never,
    )
  })

  it('never throws on garbage, and reports no byte twice', () => {
    assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 6000 }), { maxLength: 4 }), (chunks) => {
        const bad = run(plugin, config, spaced(chunks)).filter(([kind]) => kind === 'bad')
        for (const call of bad) expect(`${call[3]}`.length / 2).toBeLessThanOrEqual(stretchBytesMax)
        const reported = bad.reduce((sum, call) => sum + `${call[3]}`.length / 2, 0)
        expect(reported).toBeLessThanOrEqual(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
      }) as never,
    )
  })

  it('reports a stretch of garbage between frames once, with its bytes, and loses no frame', () => {
    assert(
      fc.property(frames, frames, garbage, (before, after, stretch) => {
        const encoded = encodeAll([...before, ...after])
        const calls = decodeAll([...encoded.slice(0, before.length), stretch, ...encoded.slice(before.length)])
        expect(valuesOf(calls)).toEqual([...before, ...after].flatMap((item) => expected(plugin, config, item)))
        expect(calls.filter(([kind]) => kind === 'bad').map((call) => call[3])).toEqual([hex(stretch)])
      }) as never,
    )
  })

  it('loses no frame but those that damage touched', () => {
    const damage = fc.record({
      from: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      remove: fc.integer({ min: 0, max: 20 }),
      insert: fc.uint8Array({ maxLength: 20 }),
    })
    assert(
      fc.property(frames, frame, damage, (list, next, { from, remove, insert }) => {
        // Two frames follow: a decoder without a checksum may wait for the next frame before it trusts one.
        const encoded = encodeAll([...list, next, next])
        const bytes = Buffer.concat(encoded.slice(0, -2))
        const at = Math.floor(from * bytes.length)
        const [first, last] = touched(encoded, at, Math.min(bytes.length, at + remove))
        const damaged = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove), ...encoded.slice(-2)])
        const values = valuesOf(run(plugin, config, [{ bytes: damaged, atMs: epochMs }]))
        const before = list.slice(0, first).flatMap((item) => expected(plugin, config, item))
        const after = [...list, next, next].slice(last + (endsOnly ? 2 : 1)).flatMap((item) => expected(plugin, config, item))
        expect(values.slice(0, before.length)).toEqual(before)
        expect(values.slice(-after.length)).toEqual(after)
      }) as never,
    )
  })

  it('forgets a half frame on reset, and goes on with the next', () => {
    assert(
      fc.property(frame, frame, fc.integer({ min: 1, max: 200 }), (half, next, length) => {
        const [first, second] = encodeAll([half, next])
        const { sink, calls } = recorder()
        const decoder = plugin.create(config)
        const part = first!.subarray(0, Math.min(length, first!.length - 1))
        decoder.decode(part, epochMs, sink)
        const before = valuesOf(calls).length
        decoder.reset()
        decoder.decode(second!, epochMs + 2000, sink)
        expect(valuesOf(calls).slice(before)).toEqual(expected(plugin, config, next))
        expect(calls.filter(([kind]) => kind === 'bad')).toEqual([])
      }) as never,
    )
  })
}

function run<Config>(plugin: DecoderPlugin<Config>, config: Config, chunks: Chunk[]): Call[] {
  const { sink, calls } = recorder()
  const decoder = plugin.create(config)
  for (const { bytes, atMs } of chunks) decoder.decode(bytes, atMs, sink)
  return calls
}

/** The frame's values in the order of the channels, as the decoder gives them. */
function expected<Config>(plugin: DecoderPlugin<Config>, config: Config, frame: Frame): [string, Value][] {
  return plugin.channels(config).flatMap(({ name }) => (name in frame.values ? [[name, frame.values[name]!]] : [])) as [
    string,
    Value,
  ][]
}

function valuesOf(calls: Call[]): [string, Value][] {
  return calls
    .filter(([kind]) => kind === 'reading' || kind === 'sample')
    .map(([, channel, , value]) => [channel as string, value as Value])
}

function expectNoFall(calls: Call[], latestMs: number): void {
  const last = new Map<unknown, number>()
  for (const [kind, channel, atMs] of calls) {
    if (kind !== 'reading' && kind !== 'sample') continue
    expect(atMs).toBeGreaterThanOrEqual(last.get(channel) ?? Number.NEGATIVE_INFINITY)
    expect(atMs).toBeLessThanOrEqual(latestMs)
    if (kind === 'reading') expect(Number.isInteger(atMs)).toBe(true)
    last.set(channel, atMs as number)
  }
}

/** Indices of the first and last frame that lost a byte of `from..to`, or had bytes put in before it. */
function touched(encoded: Uint8Array[], from: number, to: number): [number, number] {
  let first = -1
  let last = -1
  let start = 0
  for (const [k, { length }] of encoded.entries()) {
    const end = start + length
    if (first < 0 && from < end) first = k
    if (start < Math.max(to, from + 1)) last = k
    start = end
  }
  return [first, last]
}

function cut(chunks: Chunk[], lengths: number[]): Chunk[] {
  let next = 0
  return chunks.flatMap(({ bytes, atMs }) => {
    const parts: Chunk[] = []
    for (let from = 0; from < bytes.length; ) {
      const length = lengths[next++ % lengths.length]!
      parts.push({ bytes: bytes.subarray(from, from + length), atMs })
      from += length
    }
    return parts
  })
}

function byByte(chunks: Chunk[]): Chunk[] {
  return cut(chunks, [1])
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
