import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Place, Shares } from './shares.ts'

const place = fc.record({
  urgency: fc.nat(2),
  target: fc.constantFrom('a', 'b'),
  device: fc.oneof(fc.constantFrom('flood', 'other'), fc.string({ maxLength: 3 })),
})

/** As it reads in the comment, over all that waits. */
function expected(waiting: Place[], queueMax: number): { urgency: number; sizes: number } {
  const sourceOf = ({ target, device }: Place) => JSON.stringify([target, device])
  const group = (places: Place[]) => Map.groupBy(places, sourceOf)
  const most = Math.max(...[...group(waiting).values()].map(({ length }) => length))
  const isFlood = most > Math.max(2, Math.ceil(queueMax / 16))
  const candidates = isFlood ? [...group(waiting).values()].filter(({ length }) => length === most).flat() : waiting
  return { urgency: Math.max(...candidates.map(({ urgency }) => urgency)), sizes: isFlood ? most : 0 }
}

test('what is given up is of the source that has most, or the least urgent', () => {
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 100 }), (places, queueMax) => {
      const shares = new Shares()
      let waiting: Place[] = []
      for (const one of places) {
        shares.add(one)
        waiting.push(one)
        if (waiting.length < 3) continue
        const victim = shares.victim(queueMax)
        const isVictim = (other: Place) => JSON.stringify(other) === JSON.stringify(victim)
        const has = waiting.findIndex((other) => isVictim({ urgency: other.urgency, target: other.target, device: other.device }))
        expect(has).toBeGreaterThanOrEqual(0)
        const { urgency, sizes } = expected(waiting, queueMax)
        const own = waiting.filter(({ target, device }) => target === victim.target && device === victim.device)
        if (sizes > 0) expect(own).toHaveLength(sizes)
        if (sizes > 0) expect(victim.urgency).toBe(Math.max(...own.map((other) => other.urgency)))
        else expect(victim.urgency).toBe(urgency)
        if (one.urgency > 0) continue
        shares.remove(victim)
        waiting = waiting.toSpliced(has, 1)
      }
    }),
  )
})
