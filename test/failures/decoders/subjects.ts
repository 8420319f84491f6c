/** The decoders under fuzz: their configuration, frames with values, and how one byte of a frame is changed so that it must be refused. */
import { join } from 'node:path'
import type { Channel, Value } from '@millrace/contract'
import { type DecoderPlugin, decoderPlugins } from '@millrace/edge-agent/decoders'
import { loadConfig } from '@millrace/platform'
import { z } from 'zod'

export interface Subject {
  name: string
  plugin: DecoderPlugin
  config: unknown
  /** It has a checksum: a frame of which one byte was changed gives no reading. */
  isChecked: boolean
  /** Which bytes of an encoded frame the checksum covers; absent: all. Several sentences are changed each. */
  covered?: (frame: Buffer) => [from: number, to: number][]
}

const examples = join(import.meta.dirname, '../../../edge-agent/src/decoders/frame/examples')

function example(name: string): Subject {
  const { kind, ...config } = loadConfig(z.looseObject({ kind: z.string() }), join(examples, `${name}.yaml`), {})
  return { ...subject(kind, config, name !== 'contec-cms50-old'), name: `frame: ${name}` }
}

function subject(kind: string, config: object, isChecked: boolean, covered?: Subject['covered']): Subject {
  const plugin = decoderPlugins[kind]!
  const words = Object.values(config).filter((value) => typeof value === 'string')
  return { name: [kind, ...words].join(' '), plugin, config: plugin.schema.parse(config), isChecked, covered }
}

/** From the slash to the exclamation mark: hexadecimal digits mean the same in capitals and small letters. */
const telegram = (frame: Buffer): [number, number][] => [[0, frame.indexOf('!')]]

/** Between `$` and `*` of each sentence. */
function sentences(frame: Buffer): [number, number][] {
  return [...frame.toString('latin1').matchAll(/\$([^*]*)\*/g)].map(({ index, 1: body }) => [index + 1, index + 1 + body!.length])
}

const channels = [{ name: 'a', decimals: 1 }, { name: 'b' }]
const registers = [
  { name: 'a', at: 10 },
  { name: 'b', at: 11, type: 'float32' },
]

export const subjects: Subject[] = [
  subject('contec-cms50', { framing: 'new' }, false),
  subject('contec-cms50', { framing: 'old' }, false),
  subject('nmea-0183', {}, true, sentences),
  subject('openbci-cyton', {}, false),
  subject('openbci-cyton', { board: 'cyton-daisy' }, false),
  subject('plantower-pms', {}, true),
  subject('zephyr-hxm', {}, true),
  subject('dsmr-p1', { version: '5' }, true, telegram),
  subject('dsmr-p1', { version: '3' }, false),
  subject('ble-heart-rate', { framing: 'lines' }, false),
  subject('ble-heart-rate', { framing: 'packets' }, true),
  subject('modbus-rtu', { registers, listen: true }, true),
  subject('csv-lines', { columns: channels }, false),
  subject('json-lines', { channels }, false),
  ...['contec-cms50-old', 'plantower-pms5003', 'zephyr-hxm'].map(example),
]

/** Every kind is here. */
export function missingKinds(): string[] {
  return Object.keys(decoderPlugins).filter((kind) => !subjects.some(({ plugin }) => plugin.kind === kind))
}

/** Small numbers, which every channel can have. */
export function valuesFor(all: Channel[], below: (limit: number) => number): Record<string, Value> {
  const of = ({ kind }: Channel): Value => (kind === 'boolean' ? true : kind === 'text' ? `t${below(99)}` : 1 + below(99))
  return Object.fromEntries(all.filter(({ name }) => name !== 'utc').map((channel) => [channel.name, of(channel)]))
}
