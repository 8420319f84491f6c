import { expect, test } from 'vitest'
import { uplinkSchema } from './options.ts'

test('a password goes to another machine by TLS only, unless that is said', () => {
  const isTaken = (more: object) => uplinkSchema.safeParse({ url: 'mqtt://broker.example', ...more }).success
  expect([isTaken({}), isTaken({ password: 'p' }), isTaken({ passwordFile: '/p' })]).toEqual([true, false, false])
  expect(isTaken({ url: 'ws://u:p@broker.example/mqtt' })).toBe(false)
  expect(isTaken({ password: 'p', insecure: true })).toBe(true)
  for (const url of ['mqtts://broker.example', 'wss://broker.example', 'mqtt://127.0.0.1'])
    expect(isTaken({ url, password: 'p' }), url).toBe(true)
})
