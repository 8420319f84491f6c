/** Samples of a stretch of time, of a bounded number. */
import { z } from 'zod'

export type Point = [t: number, value: number]

const dayMs = 86_400_000

export const windowKeys = {
  windowMs: z
    .number()
    .int()
    .min(1000)
    .max(7 * dayMs)
    .default(3_600_000)
    .describe('How far back the samples go'),
  pointsMax: z
    .number()
    .int()
    .min(10)
    .max(500)
    .default(200)
    .describe('Most samples that are kept; of more those that are evenly over the stretch'),
}
type Window = z.infer<z.ZodObject<typeof windowKeys>>

/** Past the bound the one goes whose neighbours are nearest to each other, so that those that stay are evenly over the stretch. */
export function keepPoint<P extends [t: number, ...values: number[]]>(
  points: P[],
  { windowMs, pointsMax }: Window,
  point: P,
): void {
  points.push(point)
  let over = 0
  while (points[over]![0] <= point[0] - windowMs) over++
  if (over > 0) points.splice(0, over)
  if (points.length > pointsMax) points.splice(mostCrowded(points), 1)
}

function mostCrowded(points: [t: number, ...values: number[]][]): number {
  let [best, least] = [1, Infinity]
  for (let k = 1; k < points.length - 1; k++) {
    const apartMs = points[k + 1]![0] - points[k - 1]![0]
    if (apartMs < least) [best, least] = [k, apartMs]
  }
  return best
}

/** What is computed says no more digits than it knows. */
export function rounded(value: number): number {
  const short = Number(value.toPrecision(6))
  return Number.isFinite(short) ? short : Math.sign(value) * Number.MAX_VALUE
}
