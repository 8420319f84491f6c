/**
 * Devices that print a line of values: scales, data loggers, microcontrollers.
 *
 *     T,23.5,41,1\r\n
 *
 * - A line is bad with its first fault: `too-long`, `not-text`, `prefix`, `columns` (another number of them), `malformed` (a value
 *   that is not one of its column's kind; nothing of that line is read).
 * - An empty field is an absence of its channel (`no-value`), told at its change. A line that begins with `comment` is nothing.
 * - Without a `prefix` nobody can tell whether the first line since the opening lacks its beginning: its first column is `uncertain`.
 * - A reading's time is when its line had arrived.
 *
 * Source: RFC 4180 for fields in quotes (a quote inside is doubled); a line break inside quotes is not supported.
 */
import type { Value } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import { z } from 'zod'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { channelOf, formatValue, type Measured, measuredFaults, measuredShape, parseValue } from '../measured.ts'
import { TextLines } from '../text-lines.ts'

const shape = z.strictObject({
  baudRate: z.int().positive().default(9600).describe('Bits a second'),
  separator: z.string().min(1).max(4).default(',').describe('Between fields'),
  prefix: z.string().default('').describe('Every line begins with it, before its first field; other lines are bad'),
  comment: z.string().default('#').describe('A line that begins with it is passed over; empty: none'),
  lineBytesMax: z.int().min(1).max(4096).default(1024).describe('A longer line is bad'),
  columns: z
    .array(z.union([z.null(), z.strictObject(measuredShape)]))
    .min(1)
    .max(256)
    .describe('The fields in their order; null is one that is not read'),
})
type Config = z.infer<typeof shape>

const schema = shape.superRefine(({ columns }, context) => {
  const faults = measuredFaults(columns, 'columns')
  if (columns.every((column) => column === null)) faults.push({ path: ['columns'], message: 'name at least one column' })
  for (const fault of faults) context.addIssue({ code: 'custom', ...fault })
})

const named = ({ columns }: Config) => columns.filter((column) => column !== null)

export const csvLines: DecoderPlugin<Config> = {
  kind: 'csv-lines',
  schema,
  link: ({ baudRate }) => ({ baudRate, dataBits: 8, parity: 'none', stopBits: 1 }),
  channels: (config) => named(config).map(channelOf),
  create: (config) => new CsvDecoder(config),
  createEncoder: (config) => (frame) => encode(config, frame),
}

class CsvDecoder implements Decoder {
  readonly #config: Config
  readonly #lines: TextLines
  readonly #absent = new Set<string>()

  constructor(config: Config) {
    this.#config = config
    this.#lines = new TextLines(config.lineBytesMax, (line, atMs, sink, isFirst) => this.#read(line, atMs, sink, isFirst))
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    this.#lines.decode(bytes, atMs, sink)
  }

  reset(): void {
    this.#lines.reset()
    this.#absent.clear()
  }

  #read(line: string, atMs: number, sink: Sink, isFirst: boolean): string | undefined {
    const { prefix, comment, separator, columns } = this.#config
    if (comment !== '' && line.startsWith(comment)) return undefined
    if (!line.startsWith(prefix)) return 'prefix'
    const fields = fieldsOf(line.slice(prefix.length), separator)
    if (fields?.length !== columns.length) return fields ? 'columns' : 'malformed'
    const found: [Measured, Value | undefined][] = []
    for (const [k, column] of columns.entries()) {
      if (column === null) continue
      const value = fields[k] === '' ? undefined : parseValue(fields[k]!, column)
      if (value === undefined && fields[k] !== '') return 'malformed'
      found.push([column, value])
    }
    sink.frame()
    const doubtful = isFirst && prefix === '' ? columns[0] : null
    for (const [column, value] of found) this.#give(column.name, value, column === doubtful, { atMs, sink })
    return undefined
  }

  #give(name: string, value: Value | undefined, isDoubtful: boolean, { atMs, sink }: { atMs: number; sink: Sink }): void {
    if (value === undefined) {
      if (!this.#absent.has(name)) sink.absent(name, atMs, 'no-value')
      this.#absent.add(name)
      return
    }
    this.#absent.delete(name)
    if (isDoubtful) sink.reading(name, atMs, value, 'uncertain')
    else sink.reading(name, atMs, value)
  }
}

/** Undefined: a quote is not closed, or something follows it. */
function fieldsOf(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator).map((field) => field.trim())
  const fields: string[] = []
  for (let from = 0; from <= line.length; ) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(line.slice(from))
    const next = quoted ? from + quoted[0].length : line.indexOf(separator, from)
    const end = next < 0 ? line.length : next
    fields.push(quoted ? quoted[1]!.replaceAll('""', '"') : line.slice(from, end).trim())
    if (end < line.length && !line.startsWith(separator, end)) return undefined
    from = end + separator.length
  }
  return fields
}

function encode({ prefix, separator, columns }: Config, { values }: Frame): Uint8Array {
  const fields = columns.map((column) => {
    const value = column === null ? undefined : ownValue(values, column.name)
    const text = value === undefined ? '' : formatValue(value, column!)
    return text.includes('"') || text.includes(separator) ? `"${text.replaceAll('"', '""')}"` : text
  })
  return Buffer.from(`${prefix}${fields.join(separator)}\r\n`)
}
