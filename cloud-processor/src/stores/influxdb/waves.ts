/**
 * Segments from samples: a segment's start, interval and count say which samples are its own. Where later samples took the
 * place of earlier ones, the first segment that has a sample's name gives it back, with the value that stands. What is left of
 * a segment comes out as the runs of its samples that stand next to each other.
 */
import type { Segment } from '@millrace/contract'
import { cutSegment, nameOf } from '../accounting/index.ts'
import type { Row } from './dialects/index.ts'
import type { Physical } from './physical.ts'
import { segmentMsMax } from './points.ts'
import { givenValue, withoutRevisions } from './values.ts'

export const lookBackMs = segmentMsMax

export interface Joining {
  fromMs: number
  toMs: number
  limit: number
  resolutionMs: number
  physical: Physical
}

interface Head {
  t: number
  i: number
  count: number
}

export async function joinSamples(
  heads: Row[],
  samplesBetween: (fromUs: number, toUs: number) => Promise<Row[]>,
  { fromMs, toMs, limit, resolutionMs, physical }: Joining,
): Promise<Segment[]> {
  const wanted = heads
    .map(headOf)
    .filter(({ t, i, count }) => t <= toMs && t + (count - 1) * i >= fromMs)
    .sort((a, b) => a.t - b.t || b.count - a.count)
    .slice(0, limit)
  if (wanted.length === 0) return []
  const last = wanted.reduce((latest, { t, i, count }) => Math.max(latest, t + (count - 1) * i), 0)
  const rows = withoutRevisions(
    await samplesBetween(Math.floor((wanted[0]!.t - resolutionMs) * 1000), Math.ceil((last + resolutionMs) * 1000)),
  )
  const samples = new Map<number, number>()
  for (const { us, values } of rows) samples.set(nameOf(us / 1000, resolutionMs), Number(givenValue(values, physical)))
  return wanted.flatMap((head) => takeSamples(head, samples, resolutionMs)).slice(0, limit)
}

function headOf({ us, values }: Row): Head {
  return { t: us / 1000 + Number(values.shift_ms ?? 0), i: Number(values.interval_ms), count: Number(values.samples) }
}

/** Takes the head's samples out of those that are left. */
function takeSamples({ t, i, count }: Head, samples: Map<number, number>, resolutionMs: number): Segment[] {
  const v = new Array<number>(count)
  const runs: [from: number, to: number][] = []
  for (let k = 0; k < count; k++) {
    const name = nameOf(t + k * i, resolutionMs)
    const value = samples.get(name)
    if (value === undefined) continue
    samples.delete(name)
    v[k] = value
    const run = runs.at(-1)
    if (run?.[1] === k) run[1] = k + 1
    else runs.push([k, k + 1])
  }
  return runs.flatMap(([from, to]) => cutSegment({ t, i, v }, from, to))
}
