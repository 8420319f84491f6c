import { expect, test } from 'vitest'
import { isClearText, keepsCredentials } from './clear-text.ts'

test.each([
  ['mqtt://broker.example:1883', true],
  ['ws://10.0.0.5/mqtt', true],
  ['http://[2001:db8::1]:8086', true],
  ['mqtt://localhost.example', true],
  ['mqtts://broker.example', false],
  ['https://x', false],
  ['mqtt://127.0.0.1', false],
  ['mqtt://127.8.9.1:1884', false],
  ['mqtt://localhost', false],
  ['ws://[::1]:80', false],
  ['no address', false],
])('%s in clear text: %s', (url, isClear) => {
  expect(isClearText(url)).toBe(isClear)
  expect(keepsCredentials({ url, insecure: false }, [undefined, 'p'])).toBe(!isClear)
  expect(keepsCredentials({ url, insecure: false }, [undefined])).toBe(true)
  expect(keepsCredentials({ url, insecure: true }, ['p'])).toBe(true)
})

test('what is in the address counts', () => {
  expect(keepsCredentials({ url: 'mqtt://u:p@broker.example', insecure: false }, [])).toBe(false)
  expect(keepsCredentials({ url: 'mqtt://u:p@127.0.0.1', insecure: false }, [])).toBe(true)
})
