import { expect, test } from 'vitest'
import { isLoopback } from './loopback.ts'

test.each([
  ['localhost', true],
  ['LOCALHOST', true],
  ['::1', true],
  ['[::1]', true],
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['127.0.0.1.example.org', false],
  ['127.0.0.999', false],
  ['127.1', false],
  ['localhost.example.org', false],
  ['0.0.0.0', false],
  ['::', false],
  ['128.0.0.1', false],
  ['', false],
])('%j on loopback: %s', (host, is) => {
  expect(isLoopback(host)).toBe(is)
})
