import { join } from 'node:path'
import fc from 'fast-check'
import { describeDecoder } from '../conformance.ts'
import { plantowerPms } from './plantower-pms.ts'

describeDecoder(
  plantowerPms,
  join(import.meta.dirname, 'cases'),
  (['pms5003', 'pms5003t', 'pms3003'] as const).map((model) => ({
    name: model,
    config: { model },
    frame: fc.record({
      values: fc.record(
        Object.fromEntries(
          plantowerPms
            .channels({ model })
            .map(({ name }) => [
              name,
              name === 'temperature' ? fc.integer({ min: -400, max: 990 }) : fc.integer({ min: 0, max: 65_535 }),
            ]),
        ),
      ),
    }),
    garbage: fc.uint8Array({ min: 0x43, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  })),
)
