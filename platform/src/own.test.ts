import { expect, test } from 'vitest'
import { ownOr, ownValue, setOwn } from './own.ts'

const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '', '0', 'spo2']

test.each(names)('"%s" is a name like any other', (name) => {
  const of: Record<string, number[]> = {}
  expect(ownValue(of, name)).toBeUndefined()
  ownOr(of, name, () => []).push(1)
  ownOr(of, name, () => []).push(2)
  expect(ownValue(of, name)).toEqual([1, 2])
  setOwn(of, name, [3])
  expect(Object.keys(of)).toEqual([name])
  expect(ownValue(JSON.parse(JSON.stringify(of)), name)).toEqual([3])
  expect(ownValue(structuredClone(of), name)).toEqual([3])
  expect(Object.getPrototypeOf(of)).toBe(Object.prototype)
})
