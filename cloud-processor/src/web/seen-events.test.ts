import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StoredEvent } from '../stores/store.ts'
import { seenEvents } from './seen-events.ts'

const event = (device: string, atMs: number, text = `${device} at ${atMs}`): StoredEvent => ({
  ...{ device, atMs, text },
  ...{ level: 'info', code: 'NODE_ONLINE' },
})

/** As the stores do it: the newest of the span, oldest first. */
const storeOf = (all: StoredEvent[]) => ({
  events: async (fromMs: number, toMs: number, limit = 1000) =>
    all.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).slice(-Math.min(limit, 10_000)),
})
const ward = {
  isWhole: false,
  keep: <Row extends { device: string }>(rows: readonly Row[]) => rows.filter(({ device }) => device === 'ours'),
}

test('lines of others do not take the place of those that an account sees', async () => {
  const ours = [event('ours', 1), event('ours', 2)]
  const all = [...ours, ...Array.from({ length: 35_000 }, (_, k) => event('theirs', 3 + Math.floor(k / 3)))]
  expect(await seenEvents(storeOf(all), ward, { from: 0, to: 1e6, limit: 1000 })).toEqual(ours)
})

test('for any lines and limit: the newest that are seen, each once, in order', async () => {
  const lines = fc.array(fc.record({ isOurs: fc.boolean(), atMs: fc.nat(6), copies: fc.integer({ min: 1, max: 4000 }) }), {
    maxLength: 8,
  })
  const theirs = (copies: number) => ({ isOurs: false, atMs: 2, copies })
  const aWholePage = [theirs(4000), theirs(4000), theirs(2000), { isOurs: true, atMs: 0, copies: 1 }]
  await fc.assert(
    fc.asyncProperty(lines, fc.nat(7), fc.integer({ min: 1, max: 5000 }), async (groups, to, limit) => {
      const all = groups
        .flatMap(({ isOurs, atMs, copies }, group) =>
          Array.from({ length: copies }, (_, k) => event(isOurs ? 'ours' : 'theirs', atMs, `${group}/${k}`)),
        )
        .sort((one, other) => one.atMs - other.atMs)
        .filter(({ atMs }, k, { [k + 10_000]: later }) => later?.atMs !== atMs)
      const expected = ward.keep(all.filter(({ atMs }) => atMs < to)).slice(-limit)
      expect(await seenEvents(storeOf(all), ward, { from: 0, to, limit })).toEqual(expected)
    }),
    { numRuns: 40, examples: [[aWholePage, 3, 1]] },
  )
})
