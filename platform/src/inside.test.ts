import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isInside, refusalOf } from './inside.ts'

const none = { allowLinkLocal: false, allowInside: false }

test.each([
  ['127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.31.255.255', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['192.169.1.1', false],
  ['100.64.0.1', true],
  ['0.0.0.0', true],
  ['255.255.255.255', true],
  ['::1', true],
  ['::', true],
  ['[::1]', true],
  ['fd12:3456::1', true],
  ['::ffff:10.0.0.1', true],
  ['::ffff:7f00:1', true],
  ['64:ff9b::192.168.0.1', true],
  ['64:ff9b::8.8.8.8', false],
  ['2001:db8::1', false],
  ['93.184.216.34', false],
])('%s: %s', (address, isSo) => {
  expect(isInside(address)).toBe(isSo)
})

test('a public name that means an address inside is refused, with the remedy, unless it is allowed', () => {
  for (const address of ['127.0.0.1', '10.0.0.7', '::1', 'fd00::1', '::ffff:192.168.0.1']) {
    expect(refusalOf('alerts.example.com', address, none)).toBe(
      `alerts.example.com is ${address}, an address inside the network; if it is to be, set allowInside: true`,
    )
    expect(refusalOf('alerts.example.com', address, { ...none, allowInside: true })).toBeUndefined()
  }
  expect(refusalOf('alerts.example.com', '93.184.216.34', none)).toBeUndefined()
})

test('what is written as inside is taken: an address, localhost, a name without a dot or of the local network', () => {
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '10.0.0.7',
    'localhost',
    'alertmanager',
    'ntfy.lan',
    'mail.svc',
    'nas.local.',
    'a.home.arpa',
  ])
    expect(refusalOf(host, '10.0.0.7', none), host).toBeUndefined()
  for (const host of ['10.0.0.7.example.com', 'local.example.com', 'localhost.example.com'])
    expect(refusalOf(host, '10.0.0.7', none), host).toContain('allowInside')
})

test('allowing the inside never allows a link-local address', () => {
  const octet = fc.nat(255)
  fc.assert(
    fc.property(octet, octet, (a, b) => {
      expect(refusalOf('ntfy.lan', `169.254.${a}.${b}`, { ...none, allowInside: true })).toContain('allowLinkLocal')
    }),
  )
})
