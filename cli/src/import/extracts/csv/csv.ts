/**
 * CSV by RFC 4180, with a header line or with names from the job. A record without quotes is its line, cut at the separator; one with
 * quotes is read by csv-parse, with the lines that follow while a quote is open. A quote that is not closed within `linesMax`
 * lines makes its own line bad, and not what follows it.
 */
import { MillraceError, setOwn } from '@millrace/platform'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import type { BadRow, Block, Extract, Place, Row } from '../extract.ts'
import { type Piece, wholeLines } from '../whole-lines.ts'

const schema = z.strictObject({
  separator: z.string().length(1).default(',').describe('Between two fields'),
  columns: z
    .array(z.string())
    .optional()
    .describe('Names of the columns of a file without a header; absent: its first line has them'),
  comment: z.string().default('').describe('Lines that begin with it are passed over; empty: none'),
})
type Config = z.infer<typeof schema>

export const csv: Extract<Config> = { kind: 'csv', schema, isAppendable: true, read }

/** Lines that one record may take. */
const linesMax = 64

async function* read(path: string, config: Config, from: Place): AsyncGenerator<Block> {
  const names = config.columns ?? (await headerOf(path, config))
  const pieces = wholeLines(path, from.at)
  let { rows } = from
  let isAtHeader = config.columns === undefined && from.at === 0
  try {
    for (let next = await pieces.next(); !next.done; ) {
      const piece = next.value
      const records = new Records(names, config, rows)
      const left = records.take(piece, isAtHeader)
      if (left < piece.lines.length) {
        isAtHeader = false
        rows = records.number
        yield { rows: records.rows, bad: records.bad, place: { at: piece.startOfLast(left), rows } }
      }
      next = await pieces.next(left)
    }
  } finally {
    await pieces.return()
  }
}

async function headerOf(path: string, config: Config): Promise<string[]> {
  for await (const { lines } of wholeLines(path, 0)) {
    const line = lines.find((each) => isContent(each, config))
    const names = line === undefined ? undefined : fieldsOf(line, config.separator)?.map((name) => name.trim())
    const twice = names?.find((name, k) => names.indexOf(name) !== k)
    if (names && twice === undefined) return names
    const detail = twice === undefined ? 'its first line is not a header' : `its header has the column ${twice} twice`
    throw new MillraceError('IMPORT_FILE', { path, detail })
  }
  return []
}

const isContent = (line: string, { comment }: Config) => line !== '' && !(comment !== '' && line.startsWith(comment))

class Records {
  readonly rows: Row[] = []
  readonly bad: BadRow[] = []
  number: number
  readonly #names: string[]
  readonly #config: Config

  constructor(names: string[], config: Config, number: number) {
    this.#names = names
    this.#config = config
    this.number = number
  }

  /** @returns how many of the last lines are an open record. */
  take({ lines, isLast, isOpen }: Piece, isAtHeader: boolean): number {
    let skip = isAtHeader
    for (let k = 0; k < lines.length; k++) {
      const line = lines[k]!
      if (!isContent(line, this.#config)) continue
      if (skip) {
        skip = false
        continue
      }
      const count = line.includes('"') ? linesOf(lines, k) : 1
      if (count === undefined && !isLast && lines.length - k < linesMax) return lines.length - k
      const text = count === undefined || count === 1 ? line : lines.slice(k, k + count).join('\n')
      const isCutOff = isOpen && k + (count ?? 1) === lines.length
      this.#add(text, count === undefined ? undefined : fieldsOf(text, this.#config.separator), isCutOff)
      k += (count ?? 1) - 1
    }
    return 0
  }

  #add(text: string, values: string[] | undefined, isCutOff: boolean): void {
    const number = ++this.number
    const names = this.#names
    if (values?.length !== names.length) {
      const reason = isCutOff ? 'cut-off' : values ? 'columns' : 'quotes'
      this.bad.push({ number, reason, text })
      return
    }
    const fields: Row['fields'] = {}
    for (let k = 0; k < names.length; k++) setOwn(fields, names[k]!, values[k])
    this.rows.push({ number, fields })
  }
}

/** How many lines from the one at `from` on are one record; undefined where its quote is not closed. */
function linesOf(lines: string[], from: number): number | undefined {
  let quotes = 0
  for (let k = from; k < lines.length && k < from + linesMax; k++) {
    quotes += lines[k]!.split('"').length - 1
    if (quotes % 2 === 0) return k - from + 1
  }
  return undefined
}

/** Undefined where the quotes are wrong. */
function fieldsOf(text: string, separator: string): string[] | undefined {
  if (!text.includes('"')) return text.split(separator)
  try {
    const records = parse(text, { delimiter: separator, relax_column_count: true, record_delimiter: '\0' })
    return records.length === 1 ? (records[0] as string[]) : undefined
  } catch {
    return undefined
  }
}
