/** What every codec keeps, whatever the bytes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { type PlainConfig, plainSchema } from '../config.ts'
import type { Decoded, PayloadCodec } from './codec.ts'
import { codecOf, codecs } from './index.ts'

export const arrivedMs = Date.UTC(2026, 0, 1)

/** `samples` are good payloads: they are cut and damaged. */
export function testCodec(codec: PayloadCodec, config: PlainConfig, samples: Uint8Array[]): void {
  test('is in the list under its name, and its own keys are optional, described and of one meaning', () => {
    expect(codecOf({ codec: codec.name })).toBe(codec)
    for (const part of ['keys', 'channelKeys'] as const)
      for (const [name, key] of Object.entries(codec[part] ?? {})) {
        expect([name, (key as z.ZodType).description, (key as z.ZodType).safeParse(undefined).success]).toEqual([
          name,
          expect.stringMatching(/.{10,}/),
          true,
        ])
        for (const other of codecs) expect([key, undefined]).toContain(other[part]?.[name])
      }
  })

  test('reads its samples', () => {
    for (const sample of samples) expect(attempt(codec, config, sample)).toBeTypeOf('object')
  })

  test('takes any bytes or refuses them with an Error, twice the same', () => {
    const damaged = fc.tuple(fc.constantFrom(...samples), fc.nat(), fc.nat(255), fc.nat()).map(([sample, at, byte, cut]) => {
      const bytes = Buffer.from(sample)
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes.subarray(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length)
    })
    holds(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (payload) => {
        const first = attempt(codec, config, payload)
        expect(attempt(codec, config, payload)).toEqual(first)
        if (typeof first !== 'string') checkShape(first, config)
      }),
    )
  })
}

/** Prints the seed when it does not hold. */
export function holds(property: Parameters<typeof fc.check>[0], numRuns = 300): void {
  const report = fc.check(property as fc.IProperty<unknown>, { numRuns }) as fc.RunDetails<unknown>
  expect(report.failed, `${fc.defaultReportMessage(report)}`).toBe(false)
}

export function plainOf(config: Parameters<typeof plainSchema.parse>[0]): PlainConfig {
  return plainSchema.parse(config)
}

function attempt(codec: PayloadCodec, config: PlainConfig, payload: Uint8Array): Decoded | string {
  try {
    return codec.decode(payload, config, arrivedMs)
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    return (error as Error).message
  }
}

function checkShape({ devices }: Decoded, { channels }: PlainConfig): void {
  const kinds = new Map(channels.map(({ name, kind }) => [name, { number: 'number', text: 'string', boolean: 'boolean' }[kind]]))
  for (const { columns, places } of devices) {
    for (const [name, { t, v }] of Object.entries(columns.channels)) {
      expect(t.length).toBe(v.length)
      for (const value of v) expect(typeof value).toBe(kinds.get(name))
      for (const at of t) expect([Number.isFinite(at), places.has(`${name}@${at}`)]).toEqual([true, true])
    }
  }
}
