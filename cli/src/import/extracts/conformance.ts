/** The contract of an extract, as a test suite that every plug-in runs. */
import { expect, test } from 'vitest'
import type { Block, Extract, Place } from './extract.ts'

export interface Sample {
  /** Of more than one block. */
  path: string
  config?: object
  /** Rows in it, bad ones included. */
  rows: number
}

export function extractConformance(extract: Extract, sample: () => Sample): void {
  const read = async (from: Place) => {
    const { path, config = {} } = sample()
    return blocksOf(extract.read(path, extract.schema.parse(config), from))
  }
  const start: Place = { at: 0, rows: 0 }

  test('every row is there once, numbered from 1', async () => {
    const blocks = await read(start)
    const { rows } = sample()
    expect(blocks.length).toBeGreaterThan(1)
    expect(blocks.at(-1)!.place.rows).toBe(rows)
    for (const [k, block] of blocks.entries()) expect(numbersOf(block)).toEqual(between(blocks[k - 1], block))
  })

  test('from the end of any block it goes on with the next', async () => {
    const blocks = await read(start)
    for (const k of blocks.keys()) expect(await read(blocks[k]!.place)).toEqual(blocks.slice(k + 1))
  })

  test('keys that it does not know are refused', () => {
    expect(extract.schema.safeParse({ ...sample().config, notAKey: 1 }).success).toBe(false)
  })
}

export async function blocksOf(read: AsyncIterable<Block>): Promise<Block[]> {
  const blocks: Block[] = []
  for await (const block of read) blocks.push(block)
  return blocks
}

/** Waveforms have no row numbers. */
function numbersOf({ rows, bad, waves, place }: Block): number[] {
  if (waves) return []
  const numbers = [...rows, ...bad].map(({ number }) => number).sort((a, b) => a - b)
  expect(numbers.at(-1)).toBe(place.rows)
  return numbers
}

function between(before: Block | undefined, { place, waves }: Block): number[] {
  const first = (before?.place.rows ?? 0) + 1
  return waves ? [] : Array.from({ length: place.rows - first + 1 }, (_, k) => first + k)
}
