import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { csvLines } from './csv-lines.ts'

const text = fc.stringMatching(/^[A-Za-z"]([A-Za-z ,"]{0,8}[A-Za-z"])?$/)
const line = fc.stringMatching(/^[a-z]{1,40}$/).map((letters) => Buffer.from(`${letters}\n`))

describeDecoder(csvLines, join(import.meta.dirname, 'cases'), [
  {
    name: 'with a prefix',
    config: csvLines.schema.parse({
      prefix: 'T,',
      columns: [
        { name: 'temperature', unit: 'Cel', decimals: 1 },
        null,
        { name: 'pressure', unit: 'Pa' },
        { name: 'door', kind: 'boolean' },
        { name: 'state', kind: 'text' },
      ],
    }),
    frame: fc.record({
      values: fc.record({
        temperature: fc.integer({ min: -400, max: 9999 }),
        pressure: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        door: fc.boolean(),
        state: text,
      }),
    }),
    garbage: line,
    intervalMs: 1000,
    endsOnly: true,
  },
])

it.each([
  [{ columns: [null] }, /name at least one column/],
  [{ columns: [{ name: 'a' }, { name: 'a' }] }, /two channels are called a/],
  [{ columns: [] }, /columns/],
  [{ columns: [{ name: 'a', modulus: 100 }] }, /is for a counter: set kind to counter/],
  [{ columns: [{ name: 'a', kind: 'text', resets: false }] }, /is for a counter: set kind to counter/],
])('refuses %j', (config, message) => {
  expect(csvLines.schema.safeParse(config).error!.message).toMatch(message)
})

it('declares a counter as a number that only counts up', () => {
  const columns = [{ name: 'energy', kind: 'counter', unit: 'kW.h', decimals: 1, modulus: 100_000 }]
  expect(csvLines.channels(csvLines.schema.parse({ columns }))).toEqual([
    { name: 'energy', kind: 'number', datatype: 'Int64', unit: 'kW.h', scale: 0.1, counter: { modulus: 100_000, resets: true } },
  ])
})
