/**
 * Modbus RTU: meters, inverters, sensors on RS-485 that answer when they are asked (functions 3 and 4; frames.ts has the layout).
 * 8 bits, rate and parity as the device is set; a frame ends after a silence of 3.5 characters, which is not needed to read one: the
 * CRC and the length that the request implies find it.
 *
 *     01 04 00 00 00 02 71 CB          registers 0 and 1 of unit 1
 *     01 04 04 43 66 33 34 1B 38       230.2 as float32
 *
 * - Which registers, and what they are: `model`, or `registers`. Neighbours are asked for together, at most 60 at once.
 * - With `listen` nothing is sent: the requests of another master on the bus say what its answers are.
 * - One unit a line. Frames of others are bad.
 * - No answer within `timeoutMs` is an absence (`link-down`) of the registers asked for, and bad (`no-answer`) with the request, once;
 *   an exception an absence (`no-value`), and bad (`exception:<code>`), once. NaN is an absence too.
 * - A reading's time is when its answer had arrived.
 * Sources: MODBUS Application Protocol V1.1b3, sections 6.3, 6.4, 7; MODBUS over Serial Line V1.02, section 2.5.
 */
import type { AbsenceReason, Channel } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import { z } from 'zod'
import { countedFaults } from '../counted.ts'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { createFramer, type Framer } from '../framer.ts'
import { sameNames } from '../measured.ts'
import { matchUnit, type Request, readRequest, requestBytes, sealed, writeRequest } from './frames.ts'
import { models } from './models.ts'
import { BlockPoll } from './poll.ts'
import { channelOf, functionOf, type Register, readRegister, registerSchema, wordsOf, writeRegister } from './registers.ts'

const schema = z
  .strictObject({
    model: z
      .enum(Object.keys(models) as [keyof typeof models])
      .optional()
      .describe('A device whose registers are known'),
    registers: z.array(registerSchema).min(1).max(500).optional().describe('Instead of model: what is read'),
    unit: z.int().min(1).max(254).optional().describe('Address of the device; default 1, or that of the model'),
    baudRate: z.int().positive().optional().describe('Bits a second; default 9600, or that of the model'),
    parity: z.enum(['none', 'even', 'odd']).default('none').describe('As the device is set'),
    everyMs: z.int().min(50).default(1000).describe('All registers are asked for this often'),
    timeoutMs: z.int().min(20).default(500).describe('An answer that takes longer does not come'),
    listen: z.boolean().default(false).describe('Ask nothing: another master does'),
  })
  .transform(({ model, registers, unit, baudRate, ...rest }, context) => {
    const known = model && models[model]
    if ((model === undefined) === (registers === undefined))
      context.addIssue({ code: 'custom', path: ['model'], message: 'set model or registers' })
    const list = registers ?? z.array(registerSchema).parse(known?.registers ?? [])
    for (const fault of sameNames(
      list.map(({ name }) => name),
      'registers',
    ))
      context.addIssue({ code: 'custom', ...fault })
    for (const [k, register] of list.entries())
      for (const { key, message } of countedFaults(register))
        context.addIssue({ code: 'custom', path: ['registers', k, key], message })
    return { ...rest, registers: list, unit: unit ?? known?.unit ?? 1, baudRate: baudRate ?? known?.baudRate ?? 9600 }
  })
type Config = z.infer<typeof schema>

export const modbusRtu: DecoderPlugin<Config> = {
  kind: 'modbus-rtu',
  schema,
  link: ({ baudRate, parity }) => ({ baudRate, dataBits: 8, parity, stopBits: 1 }),
  channels: ({ registers, everyMs }): Channel[] => registers.map((register) => channelOf(register, everyMs)),
  create: (config) => new ModbusDecoder(config),
  createEncoder: (config) => (frame) => encode(config, frame),
}

const blockWordsMax = 60

/** Registers that follow one another in the list and in the device are asked for together. */
function blocksOf(registers: Register[]): Request[] {
  const blocks: Request[] = []
  for (const register of registers) {
    const [last, words, code] = [blocks.at(-1), wordsOf(register), functionOf(register)]
    const isNext = last?.function === code && last.at + last.count === register.at && last.count + words <= blockWordsMax
    if (isNext) last.count += words
    else blocks.push({ function: code, at: register.at, count: words })
  }
  return blocks
}

const isWithin = (register: Register, { function: code, at, count }: Request) =>
  functionOf(register) === code && register.at >= at && register.at + wordsOf(register) <= at + count

class ModbusDecoder implements Decoder {
  readonly poll: BlockPoll | undefined
  readonly #unit: number
  readonly #registers: Register[]
  readonly #asked: BlockPoll
  readonly #framer: Framer
  readonly #absent = new Map<string, AbsenceReason>()

  constructor({ unit, registers, listen, everyMs, timeoutMs }: Config) {
    this.#unit = unit
    this.#registers = registers
    const options = { unit, everyMs, timeoutMs, blocks: blocksOf(registers) }
    this.#asked = new BlockPoll(options, (request, atMs, sink) =>
      this.#tellAbsent(request, { reason: 'link-down', fault: 'no-answer', bytes: writeRequest(unit, request) }, atMs, sink),
    )
    this.poll = listen ? undefined : this.#asked
    this.#framer = createFramer(
      // What lies between may have been the request of another answer: heard ones are not trusted then, own ones are.
      (buffer, from, end, skipped) =>
        matchUnit(unit, { buffer, from, end }, listen && skipped > 0 ? undefined : this.#asked.expected),
      (buffer, from, length, _skipped, atMs, sink) => this.#take(buffer.subarray(from, from + length), atMs, sink),
      (stretch) => (stretch[0] === unit && (stretch[1] === 3 || stretch[1] === 4) ? 'checksum' : 'not-a-frame'),
    )
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    this.#framer.decode(bytes, atMs, sink)
  }

  reset(): void {
    this.#framer.reset()
    this.#asked.reset()
    this.#absent.clear()
  }

  #take(frame: Uint8Array, atMs: number, sink: Sink): void {
    sink.frame()
    const { expected } = this.#asked
    const isAnswer =
      expected && frame[1] === expected.function && frame.length === 5 + frame[2]! && frame[2] === 2 * expected.count
    if (frame[1]! & 0x80) this.#takeException(frame, atMs, sink)
    else if (isAnswer && !isRequestOf(this.#unit, expected, frame)) this.#takeAnswer(expected, frame, atMs, sink)
    else if (frame.length === requestBytes) this.#asked.expected = readRequest(frame, 0)
  }

  #takeAnswer(request: Request, frame: Uint8Array, atMs: number, sink: Sink): void {
    this.#asked.expected = undefined
    for (const register of this.#registers) {
      if (!isWithin(register, request)) continue
      const value = readRegister(register, frame, 3 + 2 * (register.at - request.at))
      if (Number.isNaN(value) || register.invalid?.includes(value)) this.#change(register.name, 'no-value', atMs, sink)
      else {
        this.#absent.delete(register.name)
        sink.reading(register.name, atMs, value)
      }
    }
  }

  #takeException(frame: Uint8Array, atMs: number, sink: Sink): void {
    const { expected } = this.#asked
    this.#asked.expected = undefined
    if (expected?.function === (frame[1]! & 0x7f))
      this.#tellAbsent(expected, { reason: 'no-value', fault: `exception:${frame[2]}`, bytes: frame.slice() }, atMs, sink)
  }

  #tellAbsent(request: Request, { reason, fault, bytes }: Silence, atMs: number, sink: Sink): void {
    const changed = this.#registers.filter(
      (register) => isWithin(register, request) && this.#absent.get(register.name) !== reason,
    )
    if (changed.length > 0) sink.bad(atMs, fault, bytes)
    for (const { name } of changed) this.#change(name, reason, atMs, sink)
  }

  #change(name: string, reason: AbsenceReason, atMs: number, sink: Sink): void {
    if (this.#absent.get(name) !== reason) sink.absent(name, atMs, reason)
    this.#absent.set(name, reason)
  }
}

interface Silence {
  reason: AbsenceReason
  fault: string
  bytes: Uint8Array
}

/** An answer of eight bytes does not exist: a request is told from one by what was asked. */
function isRequestOf(unit: number, expected: Request, frame: Uint8Array): boolean {
  return frame.length === requestBytes && writeRequest(unit, expected).every((byte, k) => frame[k] === byte)
}

/** Request and answer of each block, as they are heard on the bus. */
function encode({ unit, registers }: Config, { values }: Frame): Uint8Array {
  const frames = blocksOf(registers).flatMap((block) => {
    const data = new Uint8Array(2 * block.count)
    for (const register of registers.filter((one) => isWithin(one, block)))
      writeRegister(register, data, 2 * (register.at - block.at), Number(ownValue(values, register.name) ?? 0))
    return [writeRequest(unit, block), sealed(unit, [block.function, data.length, ...data])]
  })
  return Buffer.concat(frames)
}
