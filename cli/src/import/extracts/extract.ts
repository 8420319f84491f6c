/**
 * How one kind of file is read: rows with named fields, in blocks, from any place where a block ended. A plug-in is a folder `x/` with
 * `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. `conformance.ts` is the contract as a test suite.
 *
 * The same bytes from the same place give the same blocks, whatever was read before: an import that was killed goes on at the end of
 * the last block that is durable, and counts as if it had never been killed.
 */
import type { Channel, Segment } from '@millrace/contract'
import type { z } from 'zod'

/** Where a block ended. */
export interface Place {
  /** Bytes where the kind is read from front to back, else what the plug-in counts by. */
  at: number
  /** Rows up to there, bad ones included. */
  rows: number
}

export interface Row {
  /** From 1, in the file. */
  number: number
  fields: Record<string, unknown>
}

/** A stretch of the file that cannot be a row. It harms no other row. */
export interface BadRow {
  number: number
  reason: string
  /** What stands there, or the beginning of it. */
  text: string
}

export interface Block {
  rows: Row[]
  bad: BadRow[]
  /** Of a kind that holds waveforms, by channel. */
  waves?: Record<string, Segment[]>
  place: Place
}

export interface Extract<Config = unknown> {
  kind: string
  schema: z.ZodType<Config>
  /** What a file holds can be read on after more was appended. Else the file is whole, or not read. */
  isAppendable: boolean
  /** Field with the time, and its unit, where the kind has one by itself. */
  time?: { column: string; unit: 's' | 'ms' | 'us' | 'ns' }
  /** What the file itself says of its channels. */
  channels?(path: string, config: Config): Channel[]
  /** Other files that the rows of this one come from. */
  beside?(path: string, config: Config): string[]
  /** @throws MillraceError IMPORT_FILE when nothing of the file can be used. */
  read(path: string, config: Config, from: Place): AsyncIterable<Block>
}
