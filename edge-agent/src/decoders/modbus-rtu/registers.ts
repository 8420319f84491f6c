/** Values in registers of 16 bits, which a device sends with their high byte first. */
import type { Channel } from '@millrace/contract'
import { z } from 'zod'
import { countedShape, counterOf, numberKind } from '../counted.ts'

const types = ['uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float32', 'float64'] as const
type Type = (typeof types)[number]

export const registerSchema = z.strictObject({
  name: z.string().min(1).describe('Of the channel'),
  at: z
    .int()
    .min(0)
    .max(65_535)
    .describe('Address as on the wire, from 0; a manual that counts from 30001 or 40001 says one more'),
  table: z.enum(['holding', 'input']).default('holding').describe('Which registers: function 3 or function 4'),
  type: z.enum(types).default('uint16').describe('Its value; 32 bits are two registers, 64 bits four'),
  words: z
    .enum(['big', 'little'])
    .default('big')
    .describe('Which of several registers is first: the most or the least significant'),
  kind: numberKind,
  ...countedShape,
  unit: z.string().default('1').describe('Of scaled values, UCUM'),
  scale: z.number().optional().describe('value = raw x scale + offset'),
  offset: z.number().optional().describe('value = raw x scale + offset'),
  range: z.tuple([z.number(), z.number()]).optional().describe('Lowest and highest scaled value that the device can give'),
  code: z.string().optional().describe('LOINC or MDC code'),
  invalid: z.array(z.number()).optional().describe('Raw values by which the device says that it has none'),
})
export type Register = z.infer<typeof registerSchema>

export const functionOf = ({ table }: Register) => (table === 'holding' ? 3 : 4)
export const wordsOf = ({ type }: Register) => Number(/\d+/.exec(type)![0]) / 16

const datatypes: Record<Type, Channel['datatype']> = {
  uint16: 'Int32',
  int16: 'Int16',
  uint32: 'Int64',
  int32: 'Int32',
  uint64: 'Int64',
  int64: 'Int64',
  float32: 'Float',
  float64: 'Double',
}

export function channelOf(register: Register, intervalMs: number): Channel {
  const { name, type, unit, scale, offset, range, code } = register
  const given = Object.fromEntries(Object.entries({ scale, offset, range, code }).filter(([, value]) => value !== undefined))
  return { name, kind: 'number', datatype: datatypes[type], unit, ...given, ...counterOf(register), intervalMs }
}

const view = new DataView(new ArrayBuffer(8))

/** @param at where its first register is in the buffer */
export function readRegister(register: Register, buffer: Uint8Array, at: number): number {
  const count = wordsOf(register)
  for (let k = 0; k < count; k++) {
    const from = at + 2 * (register.words === 'big' ? k : count - 1 - k)
    view.setUint16(2 * k, (buffer[from]! << 8) | buffer[from + 1]!)
  }
  return readers[register.type]()
}

export function writeRegister(register: Register, buffer: Uint8Array, at: number, value: number): void {
  const count = wordsOf(register)
  writers[register.type](value)
  for (let k = 0; k < count; k++) {
    const to = at + 2 * (register.words === 'big' ? k : count - 1 - k)
    buffer.set([view.getUint8(2 * k), view.getUint8(2 * k + 1)], to)
  }
}

/** Beyond 2^53 a number is not exact: the intake refuses it as out of range. */
const readers: Record<Type, () => number> = {
  uint16: () => view.getUint16(0),
  int16: () => view.getInt16(0),
  uint32: () => view.getUint32(0),
  int32: () => view.getInt32(0),
  uint64: () => Number(view.getBigUint64(0)),
  int64: () => Number(view.getBigInt64(0)),
  float32: () => view.getFloat32(0),
  float64: () => view.getFloat64(0),
}

const writers: Record<Type, (value: number) => void> = {
  uint16: (value) => view.setUint16(0, value),
  int16: (value) => view.setInt16(0, value),
  uint32: (value) => view.setUint32(0, value),
  int32: (value) => view.setInt32(0, value),
  uint64: (value) => view.setBigUint64(0, BigInt(value)),
  int64: (value) => view.setBigInt64(0, BigInt(value)),
  float32: (value) => view.setFloat32(0, value),
  float64: (value) => view.setFloat64(0, value),
}
