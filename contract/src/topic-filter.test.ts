import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { covers, levelsOf, matches } from './topic-filter.ts'

const check = (call: typeof matches) => (a: string, b: string) => call(levelsOf(a), levelsOf(b))

describe('a filter matches a topic (MQTT 3.1.1 section 4.7)', () => {
  test.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'a/b', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/c', false],
    ['a/b/c', 'a/b', false],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
  ])('%s, %s: %s', (filter, topic, expected) => expect(check(matches)(filter, topic)).toBe(expected))
})

describe('a filter covers another', () => {
  test.each([
    ['a/#', 'a', true],
    ['a/#', 'a/#', true],
    ['a/#', 'a/+/b', true],
    ['a/+', 'a/+', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a', false],
    ['a/b', 'a/+', false],
    ['#', '$SYS/#', false],
    ['+/x', '$SYS/x', false],
    ['#', '+/x', true],
  ])('%s, %s: %s', (filter, other, expected) => expect(check(covers)(filter, other)).toBe(expected))
})

const level = fc.constantFrom('a', 'b', '', '$x')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))

test('a filter that covers another matches everything that the other matches', () => {
  fc.assert(
    fc.property(filter, filter, topic, (wide, narrow, name) => {
      fc.pre(check(covers)(wide, narrow) && check(matches)(narrow, name))
      expect(check(matches)(wide, name)).toBe(true)
    }),
    { numRuns: 500, verbose: true },
  )
})
