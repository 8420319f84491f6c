import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatReceipt, parseReceipt, type Receipt } from './receipt.ts'

const receipt: Receipt = {
  host: 'millrace',
  log: 'log-1',
  got: new Map([
    [
      'abcdefgh',
      [
        [1841, 1850],
        [1853, 1853],
      ],
    ],
    ['ijklmnop', [[7, 7]]],
  ]),
  births: ['0123456789abcdef'],
  credit: 65_536,
  receivedMs: 1_700_000_000_000,
  sentMs: 1_700_000_000_005,
}

describe('a receipt', () => {
  it('is the JSON that its description shows, and comes back from it', () => {
    expect(JSON.parse(formatReceipt(receipt))).toEqual({
      f: 1,
      host: 'millrace',
      log: 'log-1',
      got: 'abcdefgh:1841-1850,1853;ijklmnop:7',
      births: ['0123456789abcdef'],
      credit: 65_536,
      receivedMs: 1_700_000_000_000,
      sentMs: 1_700_000_000_005,
    })
    expect(parseReceipt(formatReceipt(receipt))).toEqual(receipt)
  })

  it('may name no batch at all', () => {
    const empty = { ...receipt, got: new Map(), births: [] }
    expect(parseReceipt(formatReceipt(empty))).toEqual(empty)
  })

  it('is none when it is of another format, or damaged', () => {
    const text = formatReceipt(receipt)
    const others = [
      '',
      'null',
      '5',
      '[]',
      '{}',
      text.slice(0, -2),
      text.replace('"f":1', '"f":2'),
      text.replace('1841-1850', '1850-1841'),
    ]
    for (const other of others) expect([other, parseReceipt(other)]).toEqual([other, undefined])
  })

  it('ignores a credit that is not a number, and births that are not text', () => {
    const text = formatReceipt(receipt).replace('65536', '-1').replace('"0123456789abcdef"', '5')
    expect(parseReceipt(text)).toMatchObject({ credit: 0, births: [] })
  })

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseReceipt(text)))
  })
})
