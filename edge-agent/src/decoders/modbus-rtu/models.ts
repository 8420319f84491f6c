/** Register maps of devices, in the words of the configuration: what `registers` says of another device. Sources are in the README. */
import type { z } from 'zod'
import type { registerSchema } from './registers.ts'

type Given = z.input<typeof registerSchema>

interface Model {
  unit: number
  baudRate: number
  registers: Given[]
}

const three = (name: string, at: number, unit: string): Given[] =>
  [1, 2, 3].map((phase) => ({ name: `${name}_l${phase}`, at: at + 2 * (phase - 1), unit, table: 'input', type: 'float32' }))
const one = (name: string, at: number, unit: string): Given => ({ name, at, unit, table: 'input', type: 'float32' })

export const models = {
  'senseair-s8': {
    unit: 254,
    baudRate: 9600,
    registers: [
      { name: 'status', at: 0, table: 'input' },
      { name: 'co2', at: 3, table: 'input', unit: '[ppm]', range: [0, 10_000] },
    ],
  },
  sdm630: {
    unit: 1,
    baudRate: 9600,
    registers: [
      ...three('voltage', 0, 'V'),
      ...three('current', 6, 'A'),
      ...three('power', 12, 'W'),
      one('power', 52, 'W'),
      one('frequency', 70, 'Hz'),
      { ...one('energy_import', 72, 'kW.h'), kind: 'counter' },
      { ...one('energy_export', 74, 'kW.h'), kind: 'counter' },
    ],
  },
  generic: {
    unit: 1,
    baudRate: 9600,
    registers: Array.from({ length: 10 }, (_, at): Given => ({ name: `register_${at}`, at })),
  },
} satisfies Record<string, Model>
