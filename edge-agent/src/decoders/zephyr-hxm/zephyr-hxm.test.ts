import { join } from 'node:path'
import fc from 'fast-check'
import { describeDecoder } from '../conformance.ts'
import { zephyrHxm } from './zephyr-hxm.ts'

const [byte, word] = [255, 65_535].map((max) => fc.integer({ min: 0, max }))

describeDecoder(zephyrHxm, join(import.meta.dirname, 'cases'), [
  {
    name: 'packets',
    config: {},
    frame: fc.record({
      values: fc.record({
        battery: byte!,
        heart_rate: fc.integer({ min: 1, max: 255 }),
        beat_number: byte!,
        beat_time: word!,
        distance: word!,
        speed: word!,
        strides: byte!,
        cadence: word!,
      }),
    }),
    garbage: fc.uint8Array({ min: 0x03, minLength: 1, maxLength: 100 }),
    intervalMs: 1000,
  },
])
