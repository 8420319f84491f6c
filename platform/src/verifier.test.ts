import { expect, test } from 'vitest'
import { PasswordVerifier } from './verifier.ts'

const key = (text: string) => Buffer.from(text.padEnd(16))
const hash = { key: key('right') }
const verifier = () => new PasswordVerifier<{ key: Buffer }>(async (password) => key(`${password}`), { key: key('nobody') })

const names = ['known', 'invented', 'other']

test.each(['known', 'invented'])(
  'what a wrong password is told does not show who is known, after guesses at %s',
  async (guessed) => {
    const verify = verifier()
    const ask = (name: string, password: string) =>
      verify.verify(name, name === 'known' ? hash : undefined, Buffer.from(password), '192.0.2.1')
    for (let k = 0; k < 10; k++) expect(await ask(guessed, `wrong ${k}`)).toBe(false)
    const told = []
    for (const name of names) told.push(await ask(name, 'wrong'))
    for (const name of names) told.push(await ask(name, 'wrong'))
    expect(told).toEqual(told.map(() => undefined))
  },
)

test('guesses at a known name and at an invented one count together', async () => {
  const verify = verifier()
  const ask = (name: string, password: string) =>
    verify.verify(name, name === 'known' ? hash : undefined, Buffer.from(password), '192.0.2.1')
  for (let k = 0; k < 5; k++)
    expect([await ask('known', `wrong ${k}`), await ask('invented', `wrong ${k}`)]).toEqual([false, false])
  expect([await ask('known', 'wrong'), await ask('invented', 'wrong')]).toEqual([undefined, undefined])
  expect(await ask('known', 'right')).toBe(true)
})

test('nor does a burst of guesses show it', async () => {
  const verify = verifier()
  const ask = (name: string, k: number) =>
    verify.verify(name, name === 'known' ? hash : undefined, Buffer.from(`wrong ${k}`), '192.0.2.1')
  const burst = Array.from({ length: 8 }, (_, k) => ask(`invented-${k}`, k))
  const told = await Promise.all([ask('known', 9), ask('invented', 9)])
  expect([...(await Promise.all(burst)), ...told]).toEqual(Array.from({ length: 10 }, () => false))
})
