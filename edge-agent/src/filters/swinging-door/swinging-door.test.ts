import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyPoints, describeFilter, keptOf } from '../conformance.ts'
import { swingingDoor } from './swinging-door.ts'

describeFilter(swingingDoor, join(import.meta.dirname, 'cases'), { deviation: 1 })

it('keeps enough to draw every reading back within the deviation', () => {
  fc.assert(
    fc.property(anyPoints, fc.integer({ min: 0, max: 400 }), (points, deviation) => {
      const kept = keptOf(swingingDoor, { deviation }, points)
      for (const [t, v] of points) {
        const after = Math.max(
          1,
          kept.findIndex(([time]) => time >= t),
        )
        const [t0, v0] = kept[after - 1]!
        const [t1, v1] = kept[after] ?? kept[0]!
        const drawn = t1 === t0 ? v0 : v0 + ((v1 - v0) * (t - t0)) / (t1 - t0)
        expect(Math.abs(drawn - v)).toBeLessThanOrEqual(deviation + 1e-6)
      }
    }),
    { seed: Number(process.env.MILLRACE_SEED ?? 20261101) },
  )
})
