import { describe, expect, it } from 'vitest'
import { datatypeName, datatypes, fits, type SparkplugDatatype } from './datatype.ts'

describe('datatypes', () => {
  it('are named by their number', () => {
    for (const [name, code] of Object.entries(datatypes)) expect(datatypeName(code)).toBe(name)
    expect([datatypeName(0), datatypeName(35), datatypeName(2 ** 40)]).toEqual([undefined, undefined, undefined])
  })

  it('fit the readings that may travel as them, and no others', () => {
    const fitting: [SparkplugDatatype, unknown[], unknown[]][] = [
      ['Int16', [-32768, 32767, 0], [32768, 1.5, Number.NaN, '1', 1n, null]],
      ['Int32Array', [2 ** 31 - 1], [2 ** 31]],
      ['Int64', [2 ** 53 - 1], [2 ** 53]],
      ['DateTime', [0], [-1]],
      ['Float', [1.5, 3e38], [4e38, Number.POSITIVE_INFINITY, Number.NaN, true]],
      ['Double', [1e300], [Number.NEGATIVE_INFINITY]],
      ['Boolean', [true], [1]],
      ['String', ['x'], [1, undefined]],
      ['DataSet', [], [1, 'x']],
    ]
    for (const [datatype, good, bad] of fitting) {
      for (const value of good) expect([datatype, value, fits(datatype, value)]).toEqual([datatype, value, true])
      for (const value of bad) expect([datatype, value, fits(datatype, value)]).toEqual([datatype, value, false])
    }
  })
})
