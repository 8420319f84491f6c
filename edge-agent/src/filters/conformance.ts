/**
 * What every filter must do, as a test suite that each plug-in's test runs. A case file:
 * `{ "title", "config": {...}, "steps": [[t, v, verdict], ...] }`; the first step is the reading that `start` is given.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FilterPlugin } from './filter.ts'
import { filterPlugins } from './index.ts'

const seed = Number(process.env.MILLRACE_SEED ?? 20261101)

export type Points = [t: number, v: number][]
export const anyPoints: fc.Arbitrary<Points> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: -1000, max: 1000 })), { minLength: 1, maxLength: 60 })
  .map((steps) => {
    let t = 1_790_000_000_000
    return steps.map(([wait, v]) => {
      t += wait
      return [t, v]
    })
  })

export function describeFilter<Config, State>(plugin: FilterPlugin<Config, State>, casesDir: string, config: Config): void {
  describe(plugin.kind, () => {
    it('is in the list under its kind', () => expect(filterPlugins[plugin.kind]).toBe(plugin))

    for (const file of readdirSync(casesDir)) {
      const { title, config, steps } = JSON.parse(readFileSync(join(casesDir, file), 'utf8'))
      it(title, () => {
        const parsed = plugin.schema.parse(config)
        const state = plugin.start(steps[0][0], steps[0][1])
        const verdicts = steps.slice(1).map(([t, v]: [number, number]) => [t, v, plugin.step(parsed, state, t, v)])
        expect(verdicts).toEqual(steps.slice(1))
      })
    }

    it('holds back a value that does not change', () => {
      const state = plugin.start(0, 42)
      for (let t = 1; t < 100; t++) expect(['drop', 'wait']).toContain(plugin.step(config, state, t * 1000, 42))
    })

    it('says the same for the same readings', () => {
      fc.assert(
        fc.property(anyPoints, (points) => {
          expect(verdicts(plugin, config, points)).toEqual(verdicts(plugin, config, points))
        }),
        { seed },
      )
    })
  })
}

function verdicts<Config, State>(plugin: FilterPlugin<Config, State>, config: Config, [first, ...rest]: Points) {
  const state = plugin.start(...first!)
  return rest.map(([t, v]) => plugin.step(config, state, t, v))
}

/** The readings that are kept, the first and the last that waits included. */
export function keptOf<Config, State>(plugin: FilterPlugin<Config, State>, config: Config, points: Points): Points {
  const kept: Points = [points[0]!]
  let held: Points[number] | undefined
  for (const [k, verdict] of verdicts(plugin, config, points).entries()) {
    const point = points[k + 1]!
    if (verdict === 'keep-held') kept.push(held!)
    if (verdict === 'keep') kept.push(point)
    else if (verdict !== 'drop') held = point
  }
  return held ? [...kept, held] : kept
}
