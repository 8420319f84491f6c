import { expect, test } from 'vitest'
import { backOffMs } from './back-off.ts'

test('each wait is twice the last, up to the longest', () => {
  expect([1, 2, 3, 4, 5, 1e9].map((failures) => backOffMs(failures, 100, 1000))).toEqual([100, 200, 400, 800, 1000, 1000])
})
