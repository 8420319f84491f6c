import { expect, test } from 'vitest'
import { isLinkLocal } from './link-local.ts'

test.each([
  ['169.254.169.254', true],
  ['169.254.0.1', true],
  ['[fe80::1]', true],
  ['fe80::1%eth0', true],
  ['febf::1', true],
  ['[fd00:ec2::254]', true],
  ['[::ffff:169.254.169.254]', true],
  ['[::ffff:a9fe:a9fe]', true],
  ['64:ff9b::169.254.169.254', true],
  ['metadata.google.internal', true],
  ['100.100.100.200', true],
  ['127.0.0.1', false],
  ['169.253.255.255', false],
  ['[fec0::1]', false],
  ['[fd00::254]', false],
  ['10.0.0.1', false],
  ['example.com', false],
])('%s: %s', (host, isSo) => {
  expect(isLinkLocal(host)).toBe(isSo)
})

test.each(['http://2852039166/', 'http://0xa9.0xfe.0xa9.0xfe/', 'http://0251.0376.0251.0376/', 'http://169.254.43518/'])(
  '%s is that address in another spelling',
  (url) => {
    expect(isLinkLocal(new URL(url).hostname)).toBe(true)
  },
)
