import { expect, it } from 'vitest'
import { crc8Maxim, createCrc } from './crc.ts'

/** The check values of "Catalogue of parametrised CRC algorithms" (reveng.sourceforge.io/crc-catalogue): the CRC of `123456789`. */
it.each([
  ['CRC-8/MAXIM-DOW', crc8Maxim, 0xa1],
  ['CRC-8/SMBUS', { width: 8, poly: 0x07, init: 0, reflect: false, xorOut: 0 }, 0xf4],
  ['CRC-8/NRSC-5 (Sensirion)', { width: 8, poly: 0x31, init: 0xff, reflect: false, xorOut: 0 }, 0xf7],
  ['CRC-16/ARC', { width: 16, poly: 0x8005, init: 0, reflect: true, xorOut: 0 }, 0xbb3d],
  ['CRC-16/MODBUS', { width: 16, poly: 0x8005, init: 0xffff, reflect: true, xorOut: 0 }, 0x4b37],
  ['CRC-16/XMODEM', { width: 16, poly: 0x1021, init: 0, reflect: false, xorOut: 0 }, 0x31c3],
  ['CRC-16/IBM-3740', { width: 16, poly: 0x1021, init: 0xffff, reflect: false, xorOut: 0 }, 0x29b1],
  ['CRC-16/IBM-SDLC', { width: 16, poly: 0x1021, init: 0xffff, reflect: true, xorOut: 0xffff }, 0x906e],
  ['CRC-16/RIELLO', { width: 16, poly: 0x1021, init: 0xb2aa, reflect: true, xorOut: 0 }, 0x63d0],
  ['CRC-32/ISO-HDLC', { width: 32, poly: 0x04c11db7, init: 0xffffffff, reflect: true, xorOut: 0xffffffff }, 0xcbf43926],
  ['CRC-32/BZIP2', { width: 32, poly: 0x04c11db7, init: 0xffffffff, reflect: false, xorOut: 0xffffffff }, 0xfc891918],
] as const)('%s', (_, parameters, check) => {
  expect(createCrc(parameters)(Buffer.from('x123456789y'), 1, 10)).toBe(check)
})
