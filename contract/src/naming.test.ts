import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatBatchName, formatBirthName, parseBatchName, parseBirthName } from './naming.ts'

describe('the name of a batch', () => {
  it('comes back as it went', () => {
    const name = fc.record({
      stream: fc.stringMatching(/^[0-9a-z]{8,32}$/),
      number: fc.integer({ min: 0, max: 999_999_999_999_999 }),
      count: fc.integer({ min: 0, max: 999_999_999 }),
    })
    fc.assert(
      fc.property(name, (name) => {
        expect(parseBatchName(formatBatchName(name))).toEqual(name)
      }),
    )
  })

  it('is undefined for the name of another system', () => {
    const others = [
      '',
      'millrace:abcdefgh/1',
      'millrace:ABCDEFGH/1/1',
      'millrace:abc/1/1',
      'xmillrace:abcdefgh/1/1',
      'millrace:abcdefgh/1/1\n',
    ]
    for (const other of [undefined, ...others, '550e8400-e29b-41d4-a716-446655440000'])
      expect(parseBatchName(other)).toBeUndefined()
  })
})

describe('the name of a birth', () => {
  it('comes back as it went, and is none when it is something else', () => {
    expect(parseBirthName(formatBirthName('0123456789abcdef'))).toBe('0123456789abcdef')
    for (const other of [undefined, '', 'millrace-birth:xyz', 'millrace-birth:0123', 'millrace:abcdefgh/1/1'])
      expect(parseBirthName(other)).toBeUndefined()
  })
})
