/** The rows of the drill, each made from its number, and what is to become of it. */
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

const devices = 20
const everyMs = 1000

export interface Rows {
  count: number
  startMs: number
}

export interface Expected {
  rows: { read: number; refused: number; empty: number }
  written: number
  reasons: Record<string, number>
  /** Readings stored, by device. */
  stored: Map<string, number>
}

type Fate = 'written' | 'columns' | 'not-a-number' | 'above-max' | 'empty'

function fateOf(k: number): Fate {
  if (k % 1013 === 7) return 'columns'
  if (k % 1000 === 13) return 'not-a-number'
  if (k % 1009 === 5) return 'above-max'
  return k % 997 === 3 ? 'empty' : 'written'
}

const deviceOf = (k: number) => `imported-${k % devices}`
const timeOf = (k: number, startMs: number) => startMs + Math.floor(k / devices) * everyMs
/** Below what the rules allow, so that they would call somebody if it were of now. */
const valueAt = (k: number) => ((k * 7919) % 800) / 10

function lineOf(k: number, startMs: number): string {
  const start = `${timeOf(k, startMs)},${deviceOf(k)}`
  const texts = { columns: '', 'not-a-number': ',x', 'above-max': ',5000', empty: ',', written: `,${valueAt(k)}` }
  return `${start}${texts[fateOf(k)]}\n`
}

export async function writeRows(path: string, { count, startMs }: Rows): Promise<Expected> {
  const file = createWriteStream(path)
  const expected: Expected = { rows: { read: count, refused: 0, empty: 0 }, written: 0, reasons: {}, stored: new Map() }
  file.write('time,device,value\n')
  for (let from = 0; from < count; from += 10_000) {
    let text = ''
    for (let k = from; k < Math.min(count, from + 10_000); k++) {
      text += lineOf(k, startMs)
      countIn(expected, k)
    }
    if (!file.write(text)) await new Promise<void>((resolve) => file.once('drain', resolve))
  }
  file.end()
  await finished(file)
  return expected
}

function countIn(expected: Expected, k: number): void {
  const fate = fateOf(k)
  const device = deviceOf(k)
  if (fate === 'written') {
    expected.written++
    expected.stored.set(device, (expected.stored.get(device) ?? 0) + 1)
  } else if (fate === 'empty') expected.rows.empty++
  else {
    expected.rows.refused++
    expected.reasons[fate] = (expected.reasons[fate] ?? 0) + 1
  }
}

/** What the store is to have of a device from one time to another. */
export function pointsOf(device: number, { startMs, count }: Rows, { fromMs, toMs }: { fromMs: number; toMs: number }) {
  const points: { t: number; v: number }[] = []
  for (let k = device; k < count; k += devices) {
    const t = timeOf(k, startMs)
    if (t >= fromMs && t <= toMs && fateOf(k) === 'written') points.push({ t, v: valueAt(k) })
  }
  return points
}
