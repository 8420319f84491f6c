/** Blocks of a file in which each line is a row. */
import type { Block, Place, Row } from './extract.ts'
import { wholeLines } from './whole-lines.ts'

/** @param fieldsOf the fields of a line; undefined where it is none, such as a comment. @throws Error where it cannot be read */
export async function* lineBlocks(
  path: string,
  from: Place,
  { reason, fieldsOf }: { reason: string; fieldsOf(line: string): Row['fields'] | undefined },
): AsyncGenerator<Block> {
  let { rows: number } = from
  for await (const { lines, isOpen, startOfLast } of wholeLines(path, from.at)) {
    const block: Block = { rows: [], bad: [], place: { at: startOfLast(0), rows: 0 } }
    for (const [k, line] of lines.entries()) {
      if (line === '') continue
      try {
        const fields = fieldsOf(line)
        if (fields) block.rows.push({ number: ++number, fields })
      } catch {
        const isCutOff = isOpen && k === lines.length - 1
        block.bad.push({ number: ++number, reason: isCutOff ? 'cut-off' : reason, text: line })
      }
    }
    block.place.rows = number
    yield block
  }
}
