/**
 * What is read of a telegram, by OBIS reduced id. A value is kept as a whole number with three decimals of the unit, whichever of
 * `units` it came in: 000004.426*kWh and 000004426*Wh are both 4426.
 */
import type { Channel } from '@millrace/contract'

export interface P1Object {
  name: string
  unit: string
  /** As they stand in a telegram, each with the digits behind the point that make it a whole number. Without a unit: ''. */
  units: Record<string, number>
  /** It only counts up; another meter begins where it was made to. */
  counts?: true
}

const energy = { unit: 'kW.h', units: { kWh: 3, Wh: 0 }, counts: true } as const
const reactive = { unit: 'kvar.h', units: { kvarh: 3, varh: 0 }, counts: true } as const
const power = { unit: 'kW', units: { kW: 3, W: 0 } }
const voltage = { unit: 'V', units: { V: 3 } }
const current = { unit: 'A', units: { A: 3 } }
const state = { unit: '1', units: { '': 0 } }
const count = { ...state, counts: true } as const

const single: [string, string, Omit<P1Object, 'name'>][] = [
  ['1-0:1.8.0', 'energy_import', energy],
  ['1-0:1.8.1', 'energy_import_1', energy],
  ['1-0:1.8.2', 'energy_import_2', energy],
  ['1-0:2.8.0', 'energy_export', energy],
  ['1-0:2.8.1', 'energy_export_1', energy],
  ['1-0:2.8.2', 'energy_export_2', energy],
  ['1-0:3.8.0', 'reactive_import', reactive],
  ['1-0:4.8.0', 'reactive_export', reactive],
  ['0-0:96.14.0', 'tariff', state],
  ['1-0:1.7.0', 'power_import', power],
  ['1-0:2.7.0', 'power_export', power],
  ['0-0:96.7.21', 'power_failures', count],
  ['0-0:96.7.9', 'long_power_failures', count],
]
const phases = [20, 40, 60].flatMap((base, k): typeof single => [
  [`1-0:${base + 12}.32.0`, `voltage_sags_l${k + 1}`, count],
  [`1-0:${base + 12}.36.0`, `voltage_swells_l${k + 1}`, count],
  [`1-0:${base + 12}.7.0`, `voltage_l${k + 1}`, voltage],
  [`1-0:${base + 11}.7.0`, `current_l${k + 1}`, current],
  [`1-0:${base + 1}.7.0`, `power_import_l${k + 1}`, power],
  [`1-0:${base + 2}.7.0`, `power_export_l${k + 1}`, power],
])

export const objects = new Map([...single, ...phases].map(([id, name, of]): [string, P1Object] => [id, { name, ...of }]))

/** Meters on the M-Bus of the meter, by device type. */
export const mbusTypes = new Map<number, P1Object>([
  [3, { name: 'gas', unit: 'm3', units: { m3: 3 }, counts: true }],
  [7, { name: 'water', unit: 'm3', units: { m3: 3 }, counts: true }],
  [4, { name: 'heat', unit: 'GJ', units: { GJ: 3 }, counts: true }],
])

export function channelsOf(intervalMs: number): Channel[] {
  const of = ({ name, unit, counts }: P1Object): Channel => ({
    name,
    kind: 'number',
    datatype: 'Int64',
    unit,
    ...(unit === '1' ? {} : { scale: 0.001 }),
    ...(counts ? { counter: { resets: true } } : {}),
  })
  return [...[...objects.values()].map((one) => ({ ...of(one), intervalMs })), ...[...mbusTypes.values()].map(of)]
}
