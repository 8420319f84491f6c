/** The language: what may be said of a frame. What cannot be right is refused with the key and what to write. */
import { absenceReasons } from '@millrace/contract'
import { z } from 'zod'
import { countedFaults, countedShape, numberKind } from '../counted.ts'

const frameBytesMax = 4096

const endian = z.enum(['big', 'little'])
const hexBytes = z.string().regex(/^\s*(?:[0-9a-fA-F]{2}\s*)+$/, 'is bytes in hex, such as "42 4D"')

const placeShape = {
  at: z
    .int()
    .min(-frameBytesMax)
    .max(frameBytesMax - 1)
    .describe('Its first byte; 0 is the first of the frame, -1 the last'),
  bytes: z.int().min(1).max(8).default(1).describe('How many bytes it has; above 6 only as float'),
  endian: endian.optional().describe('Order of its bytes, where it is not that of the frame'),
  bits: z
    .tuple([z.int().min(0).max(47), z.int().min(0).max(47)])
    .optional()
    .describe('Lowest and highest bit that belong to it; 0 is the least significant. Default: all'),
}
const place = z.strictObject(placeShape)
export type Place = z.infer<typeof place>

const where = {
  ...placeShape,
  at: placeShape.at.optional(),
  parts: z
    .array(place)
    .min(1)
    .max(8)
    .optional()
    .describe('Instead of at: pieces that make up the number, the least significant first'),
}

const values = z
  .union([z.number(), z.array(z.union([z.number(), z.tuple([z.number(), z.number()])])).min(1)])
  .transform((given) => (typeof given === 'number' ? [given] : given))
const valuesText = 'raw value, or list of values and of [lowest, highest]'

const condition = z.strictObject({
  ...where,
  field: z.string().optional().describe('Instead of at: the place of this field'),
  is: values.describe(`What it must be: a ${valuesText}`),
  not: z.boolean().default(false).describe('It must be none of them'),
})
export type Condition = z.infer<typeof condition>

const reason = z.enum(absenceReasons)

const field = z.strictObject({
  name: z.string().min(1).describe('Of the channel'),
  ...where,
  type: z
    .enum(['unsigned', 'signed', 'float', 'boolean'])
    .default('unsigned')
    .describe('What its bits are; a float has 4 or 8 bytes'),
  kind: numberKind,
  ...countedShape,
  unit: z.string().default('1').describe('Of scaled values, UCUM'),
  scale: z.number().optional().describe('value = raw x scale + offset'),
  offset: z.number().optional().describe('value = raw x scale + offset'),
  range: z.tuple([z.number(), z.number()]).optional().describe('Lowest and highest scaled value that the sensor can give'),
  code: z.string().optional().describe('LOINC or MDC code'),
  invalid: values.optional().describe(`The device has no value when it is this: a ${valuesText}`),
  reason: reason.default('no-value').describe('Why there is none when it is invalid'),
  when: z.array(condition).default([]).describe('It is in the frame only when all of these hold'),
  waveform: z.boolean().default(false).describe('Its numbers are samples; wants rateHz'),
  count: z
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe('Of a waveform: numbers one after another; those beyond the frame are not read'),
})
export type Field = z.infer<typeof field>

const lengthField = z.strictObject({
  ...placeShape,
  times: z.int().min(1).max(16).default(1).describe('Bytes of the frame for each one that the field counts'),
  plus: z.int().min(-64).max(frameBytesMax).default(0).describe('Bytes of the frame that the field does not count'),
  min: z.int().min(1).max(frameBytesMax).default(1).describe('A shorter frame is none'),
  max: z
    .int()
    .min(1)
    .max(frameBytesMax)
    .default(256)
    .describe('A longer frame is none; as low as can be, since a damaged length is waited for'),
})

const coveredShape = {
  from: z.int().default(0).describe('First byte that it covers'),
  to: z.int().optional().describe('First byte that it does not cover any more; default: the checksum itself'),
  at: z.int().optional().describe('Its first byte; default: it is the last of the frame'),
  endian: endian.optional().describe('Order of its bytes, where it is not that of the frame'),
}
const width = z.union([z.literal(8), z.literal(16), z.literal(32)])
const checksum = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sum').describe('Of the bytes'),
    ...coveredShape,
    bytes: z.int().min(1).max(4).default(1).describe('How many bytes it has'),
    complement: z.enum(['none', 'ones', 'twos']).default('none').describe('What is sent is the complement of the sum'),
  }),
  z.strictObject({ kind: z.literal('xor').describe('Of the bytes'), ...coveredShape }),
  z.strictObject({
    kind: z.literal('crc').describe('By its parameters'),
    ...coveredShape,
    width: width.describe('Bits'),
    poly: z.number().min(0).max(0xffffffff).describe('Polynomial in normal order, such as 0x8005'),
    init: z.number().min(0).max(0xffffffff).default(0).describe('First value'),
    reflect: z.boolean().default(false).describe('Least significant bit first (refin and refout)'),
    xorOut: z.number().min(0).max(0xffffffff).default(0).describe('XOR of the result'),
  }),
])
export type Checksum = z.infer<typeof checksum>

const shape = z.strictObject({
  link: z
    .strictObject({
      baudRate: z.int().positive().default(9600).describe('Bits a second'),
      dataBits: z
        .union([z.literal(7), z.literal(8)])
        .default(8)
        .describe('Bits of a byte'),
      parity: z.enum(['none', 'even', 'odd']).default('none').describe('Parity bit'),
      stopBits: z
        .union([z.literal(1), z.literal(2)])
        .default(1)
        .describe('Stop bits'),
    })
    .prefault({})
    .describe('Settings of its serial line'),
  onOpen: hexBytes.optional().describe('Bytes to send when the line opens'),
  keepAlive: z
    .strictObject({ bytes: hexBytes.describe('What to send'), everyMs: z.int().min(10).describe('How often') })
    .optional()
    .describe('Bytes to send again and again'),
  endian: endian.default('big').describe('Order of the bytes of numbers'),
  sync: hexBytes.optional().describe('Bytes that every frame begins with'),
  length: z
    .union([z.int().min(1).max(frameBytesMax), lengthField])
    .describe('Bytes of a whole frame, or where its length is in the frame'),
  require: z.array(condition).default([]).describe('It is a frame only when all of these hold'),
  checksum: checksum.optional().describe('What its checksum is'),
  rateHz: z
    .number()
    .positive()
    .optional()
    .describe('Frames a second, where the rate is fixed: times are then those of a sample clock'),
  intervalMs: z.number().positive().optional().describe('Nominal time between frames, where the rate is not fixed'),
  fields: z.array(field).min(1).max(256).describe('What is measured'),
  absences: z
    .array(
      z.strictObject({
        when: z.array(condition).min(1).describe('All of these hold'),
        reason: reason.describe('Why there is no value'),
      }),
    )
    .default([])
    .describe('The frame has no values at all; the first that holds counts'),
})
export type FrameConfig = z.infer<typeof shape>

export const schema = shape.superRefine((config, context) => {
  for (const { path, message } of faultsOf(config)) context.addIssue({ code: 'custom', path, message })
})

type Fault = { path: (string | number)[]; message: string }
type Where = { at?: number; parts?: Place[]; field?: string; bytes: number; bits?: [number, number] }

function faultsOf(config: FrameConfig): Fault[] {
  const { sync, require: rules, fields, absences } = config
  const names = fields.map(({ name }) => name)
  const faults = fields.flatMap((one, k) => fieldFaults(one, names, config, ['fields', k]))
  const conditions: [Condition[], (string | number)[]][] = [
    [rules, ['require']],
    ...fields.map(({ when }, k): [Condition[], (string | number)[]] => [when, ['fields', k, 'when']]),
    ...absences.map(({ when }, k): [Condition[], (string | number)[]] => [when, ['absences', k, 'when']]),
  ]
  for (const [list, path] of conditions)
    for (const [k, one] of list.entries()) faults.push(...whereFaults(one, names, config, [...path, k]))
  if (sync === undefined && rules.length === 0)
    faults.push({ path: ['sync'], message: 'says where a frame begins; without it, require must' })
  if (typeof config.length === 'object' && config.length.at < 0)
    faults.push({ path: ['length', 'at'], message: 'is counted from the beginning: the end is not known before the length' })
  return faults
}

function fieldFaults(one: Field, names: string[], config: FrameConfig, path: (string | number)[]): Fault[] {
  const faults = whereFaults(one, names, config, path)
  const add = (key: string, message: string) => void faults.push({ path: [...path, key], message })
  if (names.filter((name) => name === one.name).length > 1) add('name', `two fields are called ${one.name}`)
  for (const { key, message } of countedFaults(one)) add(key, message)
  if (one.kind === 'counter' && (one.type === 'boolean' || one.waveform)) add('kind', 'a counter is a number, and no waveform')
  if (one.type === 'float' && (one.parts || one.bits || (one.bytes !== 4 && one.bytes !== 8)))
    add('bytes', 'a float is at one place and has 4 or 8 bytes')
  if (one.type !== 'float' && one.bytes > 6) add('bytes', 'a whole number has at most 6 bytes')
  if (one.waveform && config.rateHz === undefined) add('waveform', 'set rateHz: samples have times by the rate of the frames')
  if (one.waveform && (one.type === 'boolean' || (one.bytes > 4 && one.type !== 'float')))
    add('waveform', 'a sample is a number of at most 4 bytes, or a float')
  if (one.count > 1 && (!one.waveform || one.parts)) add('count', 'is for a waveform at one place; name the others as fields')
  return faults
}

function whereFaults(one: Where, names: string[], { length }: FrameConfig, path: (string | number)[]): Fault[] {
  const given = [one.at, one.parts, one.field].filter((value) => value !== undefined).length
  if (given !== 1) return [{ path, message: `set one of at, parts${'field' in one || !('name' in one) ? ', field' : ''}` }]
  if (one.field !== undefined && !names.includes(one.field))
    return [{ path: [...path, 'field'], message: `${one.field} is not a field; the fields are ${names.join(', ')}` }]
  const places = one.parts ?? (one.at === undefined ? [] : [{ ...one, at: one.at }])
  return places.flatMap((at) => placeFaults(at, length, path))
}

function placeFaults(
  { at, bytes, bits }: Pick<Place, 'at' | 'bytes' | 'bits'>,
  length: FrameConfig['length'],
  path: Fault['path'],
): Fault[] {
  const faults: Fault[] = []
  if (bits && (bits[0] > bits[1] || bits[1] >= 8 * bytes))
    faults.push({ path: [...path, 'bits'], message: `[${bits}] is not lowest and highest of the bits 0 to ${8 * bytes - 1}` })
  if (at < 0 && at + bytes > 0) faults.push({ path: [...path, 'at'], message: `${bytes} bytes from ${at} go beyond the end` })
  if (typeof length === 'number' && (at < 0 ? -at > length : at + bytes > length))
    faults.push({ path: [...path, 'at'], message: `bytes ${at} to ${at + bytes - 1} are not within the ${length} of the frame` })
  return faults
}
