import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeDecoder } from '../conformance.ts'
import { epochMs, recorder } from '../recorder.ts'
import { dsmrP1 } from './dsmr-p1.ts'

const values = fc.record(
  {
    energy_import_1: fc.integer({ min: 0, max: 999_999_999 }),
    energy_export_2: fc.integer({ min: 0, max: 999_999_999 }),
    tariff: fc.integer({ min: 1, max: 2 }),
    power_import: fc.integer({ min: 0, max: 99_999 }),
    voltage_l1: fc.integer({ min: 0, max: 400_000 }),
    current_l3: fc.integer({ min: 0, max: 99_000 }),
  },
  { requiredKeys: ['energy_import_1'] },
)

describeDecoder(
  dsmrP1,
  join(import.meta.dirname, 'cases'),
  (['5', '2'] as const).map((version) => ({
    name: `version ${version}`,
    config: { version },
    frame: fc.record({ values }),
    garbage: fc.uint8Array({ max: 0x2e, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  })),
)

it('takes no telegram of which any one byte was changed', () => {
  const telegram = dsmrP1.createEncoder({ version: '5' })({ values: { energy_import_1: 1_234_567, gas: 981_443 } })
  for (const at of telegram.keys())
    for (const turn of [0x01, 0x20, 0x80]) {
      const { sink, calls } = recorder()
      dsmrP1.create({ version: '5' }).decode(
        telegram.map((byte, k) => (k === at ? byte ^ turn : byte)),
        epochMs,
        sink,
      )
      // The CRC in hex means the same in capitals and small letters.
      const isCase = turn === 0x20 && at >= telegram.length - 6 && at < telegram.length - 2 && telegram[at]! > 0x40
      expect(
        calls.filter(([kind]) => kind === 'reading'),
        `byte ${at}`,
      ).toHaveLength(isCase ? 2 : 0)
    }
})
