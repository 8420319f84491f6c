/**
 * How two channels of a device move together: the coefficient of Pearson over a stretch of time, at each pair of samples. A sample
 * goes with the newest of the other channel, where that is at most `pairMs` older.
 */
import { z } from 'zod'
import type { Analysis, Run, SourceReading, Tell } from '../analysis.ts'
import { keepPoint, rounded, windowKeys } from '../window.ts'

const keys = {
  ...windowKeys,
  pairMs: z.number().int().min(0).max(86_400_000).default(5000).describe('How far apart the two samples of a pair may be'),
  pairsMin: z.number().int().min(3).max(500).default(10).describe('With fewer pairs nothing is told'),
}
type CorrelationKeys = z.infer<z.ZodObject<typeof keys>>

type Pair = [t: number, first: number, second: number]

interface Pairs {
  pairs: Pair[]
  /** The newest sample of each channel. */
  newest: [t: number, value: number][]
  /** Time of the newest sample that is in a pair, of each channel. */
  paired: number[]
}

export const correlation: Analysis<CorrelationKeys, Pairs> = {
  name: 'correlation',
  description: 'two numbers: how they move together over a stretch of time, -1 to 1',
  version: 1,
  takes: 'number',
  channels: 2,
  keys,
  fault: ({ pairsMin, pointsMax }) =>
    pairsMin > pointsMax ? `pairsMin (${pairsMin}) is more than is kept: pointsMax is ${pointsMax}` : undefined,
  outputs: () => [
    { name: 'coefficient', kind: 'number', unit: '1', range: [-1, 1] },
    { name: 'pairs', kind: 'number', unit: '1' },
  ],
  memory: { empty: () => ({ pairs: [], newest: [], paired: [] }), bytesMax: 64 << 10 },
  open: (entry) => new CorrelationRun(entry),
}

const never = -Number.MAX_VALUE

class CorrelationRun implements Run<Pairs> {
  readonly #keys: CorrelationKeys

  constructor(keys: CorrelationKeys) {
    this.#keys = keys
  }

  take(memory: Pairs, { source, t, value }: SourceReading, tell: Tell): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) return
    const { newest, paired } = memory
    while (newest.length < 2) newest.push([never, 0])
    while (paired.length < 2) paired.push(never)
    newest[source] = [t, value]
    const [firstMs, secondMs] = [newest[0]![0], newest[1]![0]]
    const isUsed = firstMs <= paired[0]! || secondMs <= paired[1]!
    if (isUsed || Math.abs(firstMs - secondMs) > this.#keys.pairMs) return
    memory.paired = [firstMs, secondMs]
    keepPoint(memory.pairs, this.#keys, [t, newest[0]![1], newest[1]![1]])
    if (memory.pairs.length < this.#keys.pairsMin) return
    const coefficient = pearson(memory.pairs)
    if (coefficient !== undefined) tell('coefficient', t, rounded(coefficient))
    tell('pairs', t, memory.pairs.length)
  }
}

/** Undefined where one of the two does not move. Both are brought to ±1 first: squares of large numbers overflow. */
function pearson(pairs: Pair[]): number | undefined {
  const first = standardised(pairs.map(([, value]) => value))
  const second = standardised(pairs.map(([, , value]) => value))
  const [a, b] = [lengthOf(first), lengthOf(second)]
  if (!(a > 1e-9 && b > 1e-9)) return undefined
  const sum = first.reduce((all, one, k) => all + (one / a) * (second[k]! / b), 0)
  return Math.min(Math.max(sum, -1), 1)
}

function standardised(values: number[]): number[] {
  const most = Math.max(...values.map(Math.abs))
  if (most === 0) return values
  const small = values.map((value) => value / most)
  const mean = small.reduce((sum, one) => sum + one / small.length, 0)
  return small.map((one) => one - mean)
}

const lengthOf = (values: number[]) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0))
