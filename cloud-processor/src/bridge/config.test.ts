import { expect, test } from 'vitest'
import { bridgeSchema } from './config.ts'

test('a password goes to another machine by TLS only, unless that is said', () => {
  const isTaken = (more: object) => bridgeSchema.safeParse({ url: 'mqtt://broker.example', ...more }).success
  expect([isTaken({}), isTaken({ password: 'p' }), isTaken({ passwordFile: '/p' })]).toEqual([true, false, false])
  expect(isTaken({ url: 'mqtt://u:p@broker.example' })).toBe(false)
  expect(isTaken({ password: 'p', insecure: true })).toBe(true)
  for (const url of ['mqtts://broker.example', 'mqtt://localhost:1884']) expect(isTaken({ url, password: 'p' }), url).toBe(true)
})
