/** A line of InfluxDB line protocol, version 2: see influx-line/influx-line.ts for its grammar. */
import type { Value } from '@millrace/contract'
import { narrowed } from './exact.ts'

export interface Point {
  measurement: string
  labels: Map<string, string>
  /** A bigint is an integer that no JSON number holds. */
  fields: Map<string, Value | bigint>
  /** Digits. */
  timestamp: string | undefined
}

/** @throws Error saying what is wrong and where, from column 1. */
export function parsePoint(text: string): Point {
  const line = new Line(text)
  const measurement = line.name(', ', ', ')
  const labels = new Map([['measurement', measurement]])
  while (line.take(',')) {
    const tag = line.key()
    line.put(labels, `tag.${tag}`, line.name('=, ', '=, '))
  }
  line.expect(' ')
  line.skipSpaces()
  const fields: Point['fields'] = new Map()
  do {
    const field = line.key()
    line.put(fields, field, line.fieldValue())
  } while (line.take(','))
  if (!line.isAtEnd) line.expect(' ')
  line.skipSpaces()
  return { measurement, labels, fields, timestamp: line.timestamp() }
}

/** A line that is read from left to right. */
class Line {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Up to an unescaped stop. */
  name(stops: string, escapable: string): string {
    const line = this.#text
    let at = this.#at
    let name = ''
    for (; at < line.length && !stops.includes(line[at]!); at++) {
      if (line[at] === '\\' && at + 1 < line.length && escapable.includes(line[at + 1]!)) at++
      name += line[at]
    }
    this.#at = at
    return name === '' ? this.#fail('something is missing') : name
  }

  /** A name and its `=`. */
  key(): string {
    const name = this.name('=, ', '=, ')
    this.expect('=')
    return name
  }

  put<V>(into: Map<string, V>, name: string, value: V): void {
    if (into.has(name)) this.#fail(`"${name.slice(0, 40)}" twice`)
    into.set(name, value)
  }

  fieldValue(): Value | bigint {
    const line = this.#text
    if (line[this.#at] === '"') return this.#quoted()
    const from = this.#at
    while (this.#at < line.length && line[this.#at] !== ',' && line[this.#at] !== ' ') this.#at++
    const scalar = line.slice(from, this.#at)
    return parseScalar(scalar) ?? this.#fail(`"${scalar.slice(0, 40)}" is not a value, which ends`)
  }

  /** What is left of the line. */
  timestamp(): string | undefined {
    const rest = this.#text.slice(this.#at)
    if (rest !== '' && !/^-?\d{1,19}$/.test(rest)) this.#fail('a timestamp is a whole number')
    return rest === '' ? undefined : rest
  }

  take(mark: string): boolean {
    const isThere = this.#text[this.#at] === mark
    if (isThere) this.#at++
    return isThere
  }

  expect(mark: string): void {
    if (!this.take(mark)) this.#fail(`"${mark}" is missing`)
  }

  skipSpaces(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }

  #quoted(): string {
    const line = this.#text
    let text = ''
    for (this.#at++; line[this.#at] !== '"'; this.#at++) {
      if (this.isAtEnd) this.#fail('a text has no end')
      if (line[this.#at] === '\\' && (line[this.#at + 1] === '"' || line[this.#at + 1] === '\\')) this.#at++
      text += line[this.#at]
    }
    this.#at++
    return text
  }

  #fail(what: string): never {
    throw new Error(`${what} at column ${this.#at + 1}`)
  }
}

const booleans = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, false] as const),
])

function parseScalar(text: string): Value | bigint | undefined {
  if (booleans.has(text)) return booleans.get(text)
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text)
  if (!/^(?:[+-]?\d{1,20}i|\d{1,20}u)$/.test(text)) return undefined
  return narrowed(BigInt(text.slice(0, -1).replace('+', '')))
}
