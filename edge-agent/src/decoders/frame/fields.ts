/** The fields of a frame as channels, and what each reads. */
import type { AbsenceReason, Channel } from '@millrace/contract'
import { counterOf } from '../counted.ts'
import type { Sink } from '../decoder.ts'
import { type Check, checkOf, includes } from './condition.ts'
import { type NumberAt, numberAt } from './number.ts'
import type { Field, FrameConfig } from './schema.ts'

export interface CompiledField extends Field {
  number: NumberAt
  /** Of a waveform: each of its numbers. */
  numbers: NumberAt[]
  checks: Check[]
}

export function compileFields(config: FrameConfig): CompiledField[] {
  return config.fields.map((field) => ({
    ...field,
    number: numberAt(field, config.endian),
    numbers: Array.from({ length: field.waveform ? field.count : 0 }, (_, k) =>
      numberAt(field.at === undefined ? field : { ...field, at: field.at + k * field.bytes }, config.endian),
    ),
    checks: field.when.map((condition) => checkOf(condition, config)),
  }))
}

export function channelsOf(config: FrameConfig): Channel[] {
  const intervalMs = config.rateHz === undefined ? config.intervalMs : 1000 / config.rateHz
  return config.fields.map((field): Channel => {
    const { name, unit, scale, offset, range, code, waveform, count, type } = field
    const kind = waveform ? 'waveform' : type === 'boolean' ? 'boolean' : 'number'
    const given = Object.fromEntries(Object.entries({ scale, offset, range, code }).filter(([, value]) => value !== undefined))
    const every = intervalMs === undefined ? {} : { intervalMs: intervalMs / (waveform ? count : 1) }
    return {
      name,
      kind,
      datatype: datatypeOf(field, config),
      unit,
      ...given,
      ...every,
      ...counterOf(field, ownModulus(field, config)),
    }
  })
}

/** A whole number of so many bits is 0 again after its highest one. */
function ownModulus(field: Field, { endian }: FrameConfig): number | undefined {
  if (field.type !== 'unsigned') return undefined
  return 2 ** numberAt(field, endian).bits * (field.scale ?? 1)
}

function datatypeOf(field: Field, { endian }: FrameConfig): Channel['datatype'] {
  const { type, bytes, waveform } = field
  if (type === 'boolean') return 'Boolean'
  if (type === 'float') return waveform ? 'FloatArray' : bytes === 4 ? 'Float' : 'Double'
  const bits = numberAt(field, endian).bits + (type === 'signed' ? 0 : 1)
  if (waveform) return bits <= 16 ? 'Int16Array' : bits <= 32 ? 'Int32Array' : 'FloatArray'
  return bits <= 16 ? 'Int16' : bits <= 32 ? 'Int32' : 'Int64'
}

export interface Found {
  buffer: Uint8Array
  from: number
  length: number
}

/** Gives what the fields say. An absence is told at its change. */
export class FieldReader {
  readonly #fields: CompiledField[]
  readonly #frameMs: number
  readonly #absent = new Map<string, AbsenceReason>()
  /** Of each waveform, its newest sample. */
  readonly #lastMs = new Map<string, number>()

  constructor(fields: CompiledField[], rateHz: number | undefined) {
    this.#fields = fields
    this.#frameMs = rateHz === undefined ? 0 : 1000 / rateHz
  }

  reset(): void {
    this.#absent.clear()
    this.#lastMs.clear()
  }

  give(found: Found, exactMs: number, sink: Sink): void {
    const wholeMs = Math.round(exactMs)
    for (const field of this.#fields) {
      if (!isIn(field, found)) continue
      if (field.waveform) this.#giveSamples(field, found, exactMs, sink)
      else this.#giveReading(field, found, wholeMs, sink)
    }
  }

  #giveReading({ name, number, type, invalid, reason }: CompiledField, found: Found, atMs: number, sink: Sink): void {
    const value = number.read(found.buffer, found.from, found.length)
    if (Number.isNaN(value) || (invalid && includes(invalid, value))) {
      if (this.#absent.get(name) !== reason) sink.absent(name, atMs, reason)
      this.#absent.set(name, reason)
      return
    }
    this.#absent.delete(name)
    sink.reading(name, atMs, type === 'boolean' ? value !== 0 : value)
  }

  /** The last of them has the time of the frame. */
  #giveSamples({ name, numbers, invalid }: CompiledField, found: Found, exactMs: number, sink: Sink): void {
    const { buffer, from, length } = found
    const stepMs = this.#frameMs / numbers.length
    let lastMs = this.#lastMs.get(name) ?? Number.NEGATIVE_INFINITY
    for (const [k, number] of numbers.entries()) {
      if (number.reach(length) > length) break
      const value = number.read(buffer, from, length)
      if (Number.isNaN(value) || (invalid && includes(invalid, value))) continue
      lastMs = Math.max(lastMs, exactMs - (numbers.length - 1 - k) * stepMs)
      sink.sample(name, lastMs, value)
    }
    this.#lastMs.set(name, lastMs)
  }
}

function isIn({ number, checks }: CompiledField, { buffer, from, length }: Found): boolean {
  return number.reach(length) <= length && checks.every((check) => check.holds(buffer, from, length, length) === true)
}
