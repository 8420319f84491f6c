/**
 * What the bytes of an unknown device may be: which decoders read them as they are, whether they are lines of text, and else at which
 * lengths they repeat, which bytes are then the same in every frame, and which checksums hold.
 */
import { crc8Maxim, crc16Arc, crc16Modbus, createCrc } from '../decoders/crc.ts'
import { decoderPlugins } from '../decoders/index.ts'
import { hexOf, Tried } from './tried.ts'

const bytesMax = 16_384
const lengthMax = 300
const framesMin = 4
const candidatesMax = 3

export function candidatesOf(all: Uint8Array): string[] {
  const bytes = all.subarray(0, bytesMax)
  if (bytes.length === 0)
    return ['Nothing came. Check the cable, the port, and whether the device must be asked (onOpen, keepAlive, modbus-rtu).']
  const lines = [...readBy(bytes), ...textIn(bytes)]
  if (lines.length > 0) return lines
  const repeated = lengthsIn(bytes).map((length) => describe(bytes, length))
  if (repeated.length > 0) return repeated
  return [`Nothing repeats in ${bytes.length} bytes: ${hexOf(bytes)}`, 'Check baud rate and parity, or record for longer.']
}

/** With their defaults. */
function readBy(bytes: Uint8Array): string[] {
  return Object.values(decoderPlugins).flatMap((plugin) => {
    const config = plugin.schema.safeParse({})
    if (!config.success) return []
    const tried = new Tried({ plugin: { channels: () => [] }, config: undefined, startMs: 0 }, () => {})
    plugin.create(config.data).decode(bytes, 0, tried)
    return tried.frames >= framesMin && tried.badBytes < bytes.length / 2
      ? [`decoder ${plugin.kind} reads ${tried.frames} frames of it`]
      : []
  })
}

function textIn(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString('latin1')
  const shown = text.replace(/[^\x20-\x7e\r\n\t]/g, '').length
  const lines = text.split(/\r?\n/).slice(1, -1)
  if (shown < 0.95 * text.length || lines.length === 0) return []
  const isJson = lines.every((line) => line.startsWith('{'))
  return [`lines of text: decoder ${isJson ? 'json-lines' : 'csv-lines'}, such as ${JSON.stringify(lines[0])}`]
}

/** The shortest first among those where most bytes are the same as in the frame before. */
function lengthsIn(bytes: Uint8Array): number[] {
  const scores: [length: number, score: number][] = []
  for (let length = 2; length <= Math.min(lengthMax, bytes.length / framesMin); length++) {
    let same = 0
    for (let k = length; k < bytes.length; k++) if (bytes[k] === bytes[k - length]) same++
    scores.push([length, same / (bytes.length - length)])
  }
  const best = Math.max(0, ...scores.map(([, score]) => score))
  const usual = scores.reduce((sum, [, score]) => sum + score, 0) / Math.max(1, scores.length)
  const found = scores.filter(([, score]) => score > 0.1 && score >= 0.85 * best && score > 1.3 * usual).map(([length]) => length)
  return found.filter((length) => !found.some((other) => other < length && length % other === 0)).slice(0, candidatesMax)
}

interface Column {
  /** Of nearly all frames. */
  same: number | undefined
  isHigh: boolean
  isLow: boolean
}

function describe(bytes: Uint8Array, length: number): string {
  const columns = Array.from({ length }, (_, phase) => columnOf(bytes, phase, length))
  const phase = startOf(columns)
  const turned = columns.map((_, k) => columns[(phase + k) % length]!)
  const fixed = turned.flatMap(({ same }, k) => (same === undefined ? [] : [`${k}: ${hexOf(Uint8Array.of(same))}`]))
  const run = turned.findIndex(({ same }) => same === undefined)
  const sync = turned.slice(0, run < 0 ? length : run).map(({ same }) => same!)
  const parts = [
    `length ${length}`,
    sync.length > 0 ? `sync ${hexOf(Uint8Array.from(sync))}` : highBits(turned),
    fixed.length > sync.length ? `the same in every frame, by place: ${fixed.join(', ')}` : '',
    checksumsOf(bytes.subarray(phase), length),
  ]
  return parts.filter((part) => part !== '').join('; ')
}

function columnOf(bytes: Uint8Array, phase: number, length: number): Column {
  const counts = new Map<number, number>()
  let [total, high] = [0, 0]
  for (let k = phase; k < bytes.length; k += length, total++) {
    counts.set(bytes[k]!, (counts.get(bytes[k]!) ?? 0) + 1)
    if (bytes[k]! & 0x80) high++
  }
  const [value, count] = [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))
  return { same: count >= 0.95 * total ? value : undefined, isHigh: high >= 0.95 * total, isLow: high <= 0.05 * total }
}

/** Where the longest run of equal bytes that are not all 00 begins; without one, the only column with bit 7 set. */
function startOf(columns: Column[]): number {
  const runs = columns.map((_, from) => {
    let to = 0
    while (to < columns.length && columns[(from + to) % columns.length]!.same !== undefined) to++
    const isMarked = columns[from]!.same !== 0 && columns[from]!.same !== undefined
    return isMarked && columns.at(from - 1)!.same === undefined ? to : 0
  })
  const longest = Math.max(...runs)
  if (longest > 0) return runs.indexOf(longest)
  return Math.max(
    0,
    columns.findIndex(({ isHigh }) => isHigh),
  )
}

function highBits(columns: Column[]): string {
  const isMarked = columns[0]!.isHigh && columns.slice(1).every(({ isLow }) => isLow)
  return isMarked ? 'no sync bytes, but bit 7 is set in the first byte alone' : ''
}

const crc16 = { width: 16, poly: 0x1021, init: 0xffff, reflect: false, xorOut: 0 } as const
const sums: [name: string, bytes: number, work: (frame: Uint8Array, from: number, to: number) => number][] = [
  ['kind: sum, bytes: 2', 2, (frame, from, to) => frame.subarray(from, to).reduce((sum, byte) => sum + byte, 0) & 0xffff],
  ['kind: crc, width: 16, poly: 0x8005, init: 0xFFFF, reflect: true', 2, createCrc(crc16Modbus)],
  ['kind: crc, width: 16, poly: 0x8005, reflect: true', 2, createCrc(crc16Arc)],
  ['kind: crc, width: 16, poly: 0x1021, init: 0xFFFF', 2, createCrc(crc16)],
  ['kind: crc, width: 16, poly: 0x1021', 2, createCrc({ ...crc16, init: 0 })],
  ['kind: sum', 1, (frame, from, to) => frame.subarray(from, to).reduce((sum, byte) => sum + byte, 0) & 0xff],
  ['kind: sum, complement: twos', 1, (frame, from, to) => -frame.subarray(from, to).reduce((sum, byte) => sum + byte, 0) & 0xff],
  ['kind: xor', 1, (frame, from, to) => frame.subarray(from, to).reduce((sum, byte) => sum ^ byte, 0)],
  ['kind: crc, width: 8, poly: 0x31, reflect: true', 1, createCrc(crc8Maxim)],
  ['kind: crc, width: 8, poly: 0x07', 1, createCrc({ width: 8, poly: 0x07, init: 0, reflect: false, xorOut: 0 })],
]

/** At the end, or before one last byte. */
function checksumsOf(bytes: Uint8Array, length: number): string {
  const frames = Array.from({ length: Math.floor(bytes.length / length) }, (_, k) => bytes.subarray(k * length, (k + 1) * length))
  for (const [name, size, work] of sums)
    for (const last of [0, 1])
      for (const from of [0, 1, 2, 3])
        for (const endian of size === 1 ? [''] : ['big', 'little']) {
          const at = length - size - last
          if (at <= from + 1) continue
          const held = frames.filter((frame) => readAt(frame, at, size, endian) === work(frame, from, at)).length
          const places = `${from > 0 ? `, from: ${from}` : ''}${last > 0 ? `, at: ${at}` : ''}${endian === 'little' ? ', endian: little' : ''}`
          if (held >= 0.8 * frames.length && held >= framesMin)
            return `checksum { ${name}${places} } holds in ${held} of ${frames.length}`
        }
  return ''
}

function readAt(frame: Uint8Array, at: number, size: number, endian: string): number {
  if (size === 1) return frame[at]!
  return endian === 'big' ? (frame[at]! << 8) | frame[at + 1]! : frame[at]! | (frame[at + 1]! << 8)
}
