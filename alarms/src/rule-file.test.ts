import { expect, test } from 'vitest'
import { compileGlobs } from './glob.ts'
import { ruleFileSchema } from './rule-file.ts'

const faults = (rule: object) =>
  ruleFileSchema.safeParse({ rules: [{ name: 'a', channel: 'c', ...rule }] }).error?.issues.map(({ message }) => message) ?? []

test('an empty file is valid, and every key but a rule’s own has a default', () => {
  expect(ruleFileSchema.parse({})).toEqual({
    staleMs: 10_000,
    graceMs: 15_000,
    seriesMax: 100_000,
    notifyCleared: true,
    rules: [],
  })
  expect(faults({ condition: 'absent' })).toEqual([])
  expect(faults({ condition: 'below', set: 1 })).toEqual([])
})

test('limits on the wrong side of each other are refused, in overrides as well', () => {
  expect(faults({ condition: 'below', set: 88, clear: 87 })).toEqual(['clear must not be less than set'])
  expect(faults({ condition: 'above', set: 88, clear: 89 })).toEqual(['clear must not be more than set'])
  expect(faults({ condition: 'outside', low: 1, high: 3, hysteresis: 2 })).toHaveLength(1)
  expect(faults({ condition: 'below', set: 88, overrides: [{ devices: ['x'], set: 80, clear: 70 }] })).toEqual([
    'override 1: clear must not be less than set',
  ])
  expect(faults({ condition: 'below', set: 88, overrides: [{ set: 80 }] })).toEqual(['override 1: name devices or subjects'])
})

test('unknown keys, doubled names and the engine’s own names are refused', () => {
  expect(faults({ condition: 'below', set: 88, sett: 1 })).toHaveLength(1)
  expect(faults({ name: 'ingest-gap', condition: 'absent' })).toEqual(['this name is kept for the engine'])
  const twice = { name: 'a', channel: 'c', condition: 'absent' }
  expect(ruleFileSchema.safeParse({ rules: [twice, twice] }).success).toBe(false)
})

test('globs match whole names', () => {
  const bed = compileGlobs(['bed-*', 'icu-?', 'a.b'])
  expect(['bed-1', 'bed-', 'icu-3', 'a.b'].map(bed)).toEqual([true, true, true, true])
  expect(['my-bed-1', 'icu-33', 'axb', 'bed'].map(bed)).toEqual([false, false, false, false])
})
