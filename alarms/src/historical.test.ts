/** Channels of which only the past comes, such as those of an import: nobody is called for them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brief, death, declaration, engineOf, readings, run, spo2Low, tick } from './testing/records.ts'

const rules = [
  spo2Low,
  { name: 'no-spo2', channel: 'spo2', condition: 'absent', afterMs: 10_000, priority: 'high' },
  { name: 'slow', channel: 'spo2', condition: 'below', set: 92, clear: 93, delayOnMs: 5000, priority: 'medium' },
]
const nowMs = 1e9

test('no rule calls anybody for a historical channel, whenever its readings were measured', () => {
  const ages = fc.array(fc.tuple(fc.integer({ min: -20_000, max: 20_000 }), fc.integer({ min: 80, max: 100 })), { minLength: 1 })
  fc.assert(
    fc.property(ages, fc.boolean(), (samples, dies) => {
      const state = engineOf(rules)
      const changes = run(state, [tick(nowMs), declaration([{ historical: true }])])
      for (const [k, [age, value]] of samples.entries())
        changes.push(...run(state, [readings([nowMs + k * 1000 + age], [value]), tick(nowMs + k * 1000)]))
      const endMs = nowMs + samples.length * 1000
      const after = [tick(endMs), tick(endMs + 4000), ...Array.from({ length: 30 }, (_, k) => tick(endMs + 4000 * (k + 2)))]
      changes.push(...run(state, [...(dies ? [death(endMs)] : []), ...after]))
      expect(brief(changes.filter(({ retrospective }) => !retrospective))).toEqual([])
    }),
  )
})

test('a channel that is declared as live is watched from then on', () => {
  const state = engineOf(rules)
  const ticks = [0, 4, 8, 12].map((s) => tick(nowMs + s * 1000))
  expect(run(state, [declaration([{ historical: true }]), ...ticks])).toEqual([])
  const later = [16, 20, 24, 28].map((s) => tick(nowMs + s * 1000))
  expect(brief(run(state, [declaration([{}]), ...later]))).toEqual([expect.stringMatching(/^raised no-spo2/)])
})
