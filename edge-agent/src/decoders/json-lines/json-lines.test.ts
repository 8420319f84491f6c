import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { jsonLines } from './json-lines.ts'

const line = fc.stringMatching(/^[a-z]{1,40}$/).map((letters) => Buffer.from(`${letters}\n`))

describeDecoder(jsonLines, join(import.meta.dirname, 'cases'), [
  {
    name: 'objects',
    config: jsonLines.schema.parse({
      where: { 'from.id': 7 },
      channels: [
        { name: 'temperature', path: 'bme.t', unit: 'Cel', decimals: 2 },
        { name: 'constructor', unit: 'Pa' },
        { name: 'door', kind: 'boolean' },
        { name: 'state', path: 'bme.state', kind: 'text' },
      ],
    }),
    frame: fc.record({
      values: fc.record({
        temperature: fc.integer({ min: -4000, max: 99_999 }),
        constructor: fc
          .double({ noNaN: true, noDefaultInfinity: true })
          .filter((value) => Math.abs(value) < 1e15)
          .map((v) => v + 0),
        door: fc.boolean(),
        state: fc.string({ maxLength: 20 }),
      }),
    }),
    garbage: line,
    intervalMs: 1000,
    endsOnly: true,
  },
])

it('refuses two channels of one name', () => {
  expect(jsonLines.schema.safeParse({ channels: [{ name: 'a' }, { name: 'a' }] }).error!.message).toMatch(
    /two channels are called a/,
  )
})
