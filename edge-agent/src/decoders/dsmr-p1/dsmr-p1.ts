/**
 * Smart meters with a P1 port: Netherlands, Belgium, Luxembourg, Sweden, ... A telegram a second (version 5) or every ten, in ASCII:
 *
 *     /ISk5\2MT382-1000           identification
 *
 *     1-0:1.8.1(000004.426*kWh)   OBIS reduced id, values in brackets
 *     0-1:24.2.1(170102161005W)(00000.107*m3)
 *     !6EEE                       CRC-16/ARC of all from `/` to `!`, in hex; from version 4 on
 *
 * 115200 8N1 from version 4 on, 9600 7E1 before. The data line is inverted, which the cable must undo.
 *
 * - A telegram with a wrong CRC is bad as a whole (`checksum`); of version 4 on, one without is too (`no-checksum`).
 * - A line of an object that is read but has another unit or not a number is bad alone (`malformed`); objects that are not known are
 *   passed over.
 * - A meter on the M-Bus (gas, water, heat) measures every five minutes or hour, and its value is repeated in between: it is a reading
 *   when the time beside it changes. Two meters of one type: the one with the lowest number is read.
 * - A reading's time is the arrival of the end of its telegram.
 * Sources: P1 Companion Standard 5.0.2 (Netbeheer Nederland), DSMR 2.2 and 3.0; telegrams of ndokter/dsmr_parser.
 */
import { ownValue } from '@millrace/platform'
import { z } from 'zod'
import { formatDecimal, parseDecimal } from '../decimal.ts'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { createFramer, type Framer } from '../framer.ts'
import { channelsOf, mbusTypes, objects, type P1Object } from './objects.ts'
import { framedTelegram, hasRightCrc, linesOf, writeTelegram } from './telegram.ts'

const schema = z.strictObject({
  version: z
    .enum(['5', '4', '3', '2'])
    .default('5')
    .describe('Of DSMR: below 4 the line is slower and telegrams have no checksum'),
})
type Config = z.infer<typeof schema>

const isChecked = ({ version }: Config) => version >= '4'

export const dsmrP1: DecoderPlugin<Config> = {
  kind: 'dsmr-p1',
  schema,
  link: (config) =>
    isChecked(config)
      ? { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 }
      : { baudRate: 9600, dataBits: 7, parity: 'even', stopBits: 1 },
  channels: ({ version }) => channelsOf(version === '5' ? 1000 : 10_000),
  create: (config) => new P1Decoder(isChecked(config)),
  createEncoder: (config) => (frame) => encode(isChecked(config), frame),
}

class P1Decoder implements Decoder {
  readonly #framer: Framer
  /** Of each meter on the M-Bus, the time beside its last value. */
  readonly #measured = new Map<string, string>()

  constructor(checked: boolean) {
    const faultAt = (buffer: Uint8Array, from: number, length: number) => {
      const isRight = hasRightCrc(buffer, from, length)
      if (isRight === false) return 'checksum'
      return isRight === undefined && checked ? 'no-checksum' : undefined
    }
    this.#framer = createFramer(
      (buffer, from, end) => {
        const length = framedTelegram(buffer, from, end)
        return length > 0 && faultAt(buffer, from, length) !== undefined ? -1 : length
      },
      (buffer, from, length, _skipped, atMs, sink) => this.#take(buffer.subarray(from, from + length), atMs, sink),
      (stretch) => {
        const from = stretch.indexOf(0x2f)
        const length = from < 0 ? -1 : framedTelegram(stretch, from, stretch.length)
        return (length > 0 && faultAt(stretch, from, length)) || 'not-a-frame'
      },
    )
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    this.#framer.decode(bytes, atMs, sink)
  }

  reset(): void {
    this.#framer.reset()
    this.#measured.clear()
  }

  #take(telegram: Uint8Array, atMs: number, sink: Sink): void {
    sink.frame()
    const lines = linesOf(telegram)
    const meters = metersOf(lines)
    for (const line of lines) {
      const [, id, rest] = /^([\d:.*-]+?)(?:\*255)?(\(.*\))$/.exec(line) ?? []
      if (id === undefined) continue
      const object = objects.get(id)
      const meter = meters.get(/^0-(\d):24\.(?:2\.[13]|3\.0)$/.exec(id)?.[1] ?? '')
      if (object) give(object, rest!, line, { atMs, sink })
      else if (meter) this.#giveMeter(meter, rest!, line, { atMs, sink })
    }
  }

  #giveMeter(meter: P1Object, rest: string, line: string, to: To): void {
    const groups = [...rest.matchAll(/\(([^()]*)\)/g)].map(([, inner]) => inner!)
    const [time, value] = groups
    // Before version 4: (time)(00)(60)(1)(0-1:24.2.1)(m3)(00001.001)
    const given = groups.length > 2 ? `${groups.at(-1)}*${groups.at(-2)}` : value
    if (given === undefined || this.#measured.get(meter.name) === time) return
    if (give(meter, `(${given})`, line, to)) this.#measured.set(meter.name, time!)
  }
}

interface To {
  atMs: number
  sink: Sink
}

/** Whether it was a value. */
function give({ name, units }: P1Object, rest: string, line: string, { atMs, sink }: To): boolean {
  const [, digits = '', unit = ''] = /^\(([^()*]*)(?:\*([^()]*))?\)$/.exec(rest) ?? []
  const decimals = ownValue(units, unit)
  const value = decimals === undefined ? undefined : parseDecimal(digits, decimals)
  if (value === undefined) sink.bad(atMs, 'malformed', Buffer.from(line, 'latin1'))
  else sink.reading(name, atMs, value)
  return value !== undefined
}

/** By their numbers on the M-Bus, as `0-1:24.1.0(003)` says; of two of a type the first. */
function metersOf(lines: string[]): Map<string, P1Object> {
  const meters = new Map<string, P1Object>()
  for (const line of lines) {
    const [, number, type] = /^0-(\d):24\.1\.0\((\d{1,3})\)$/.exec(line) ?? []
    const meter = type === undefined ? undefined : mbusTypes.get(Number(type))
    if (meter && ![...meters.values()].includes(meter)) meters.set(number!, meter)
  }
  return meters
}

/** `extra.measured` is the time beside the values of the meters on the M-Bus. */
function encode(checked: boolean, { values, extra }: Frame): Uint8Array {
  const textOf = ({ name, units }: P1Object) => {
    const [unit, decimals] = Object.entries(units)[0]!
    return `${formatDecimal(Number(ownValue(values, name)), decimals)}${unit === '' ? '' : `*${unit}`}`
  }
  const lines = [...objects].flatMap(([id, one]) => (Object.hasOwn(values, one.name) ? [`${id}(${textOf(one)})`] : []))
  for (const [k, [type, meter]] of [...mbusTypes].entries()) {
    if (!Object.hasOwn(values, meter.name)) continue
    lines.push(`0-${k + 1}:24.1.0(00${type})`, `0-${k + 1}:24.2.1(${extra?.measured ?? '261129120000W'})(${textOf(meter)})`)
  }
  return writeTelegram('MRC5millrace', lines, checked)
}
