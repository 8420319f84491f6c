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

export interface Head {
  t: number
  i: number
  count: number
}

export function headOf({ us, values }: Row): Head {
  return { t: us / 1000 + Number(values.shift_ms ?? 0), i: Number(values.interval_ms), count: Number(values.samples) }
}

export const lastOfHead = ({ t, i, count }: Head): number => t + (count - 1) * i

/** @param wanted in order of their start. */
export async function joinSamples(
  wanted: Head[],
  samplesBetween: (fromUs: number, toUs: number) => AsyncIterable<Row[]>,
  { resolutionMs, physical }: { resolutionMs: number; physical: Physical },
): Promise<Segment[]> {
  const last = wanted.reduce((latest, head) => Math.max(latest, lastOfHead(head)), 0)
  const samples = new Map<number, number>()
  const times = [Math.floor((wanted[0]!.t - resolutionMs) * 1000), Math.ceil((last + resolutionMs) * 1000)] as const
  for await (const rows of samplesBetween(...times))
    for (const { us, values } of withoutRevisions(rows))
      samples.set(nameOf(us / 1000, resolutionMs), Number(givenValue(values, physical)))
  return wanted.flatMap((head) => takeSamples(head, samples, resolutionMs))
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
