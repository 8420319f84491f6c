/**
 * Decoders beside independent implementations from PyPI, value for value: `node test/failures/devices.ts [--frames 200]`
 *
 * pynmea2 and dsmr_parser read what our encoders write, and pymodbus serves registers on a pseudo-terminal, which our decoder polls.
 * They are installed into a virtual environment in `.cache`; without Python or a package index this cannot run.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Channel, scaled } from '@millrace/contract'
import { decoderPlugins } from '@millrace/edge-agent/decoders'
import { readArguments } from '@millrace/platform'
import { type Program, program } from '../support/program.ts'
import { installPython } from '../support/python.ts'

const { values } = readArguments({ call: 'npm run break -- devices' }, { frames: { type: 'string', default: '200' } })
const packages = ['pynmea2==1.19.0', 'dsmr_parser==1.11.2', 'pymodbus==3.16.1', 'pyserial==3.5']

/** Differs from frame to frame. */
const vary = (k: number, by: number, most: number) => (k * by) % most

const fix = (k: number) => ({
  latitude: vary(k, 1_234_567, 540_000_000) * (k % 2 ? -1 : 1),
  longitude: vary(k, 7_654_321, 1_080_000_000) * (k % 3 ? -1 : 1),
  fix: 1 + (k % 2),
  satellites: k % 13,
  hdop: vary(k, 17, 999),
  altitude: vary(k, 7_919, 8_000_000) - 400_000,
  speed: vary(k, 331, 99_999),
  course: vary(k, 733, 35_999),
})

const telegram = (k: number) => ({
  energy_import_1: vary(k, 123_457, 999_999_999),
  energy_import_2: vary(k, 7_654_321, 999_999_999),
  energy_export_1: k,
  energy_export_2: vary(k, 31, 5_000),
  tariff: 1 + (k % 2),
  power_import: vary(k, 17, 9_999),
  power_export: 0,
  voltage_l1: 230_000 + k * 100,
  current_l3: vary(k, 100, 25_000),
})

await program('devices', async (context) => {
  const python = await installPython('devices', packages)
  context.say(`beside ${packages.join(', ')}`)
  await compare(context, python, { of: 'nmea', kind: 'nmea-0183', values: fix })
  await compare(context, python, { of: 'dsmr', kind: 'dsmr-p1', values: telegram })
  await pollModbus(context, python)
})

function startOracle({ atEnd }: Program, python: string) {
  const child = spawn(python, [join(import.meta.dirname, 'devices/oracle.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  atEnd(() => child.kill())
  return { say: (line: string) => void child.stdin.write(`${line}\n`), lines: createInterface({ input: child.stdout }) }
}

interface Comparison {
  of: string
  kind: string
  values(k: number): Record<string, number>
}

async function compare(context: Program, python: string, { of, kind, values: valuesOf }: Comparison): Promise<void> {
  const plugin = decoderPlugins[kind]!
  const config = plugin.schema.parse({})
  const encode = plugin.createEncoder(config)
  const channels = new Map(plugin.channels(config).map((channel) => [channel.name, channel]))
  const oracle = startOracle(context, python)
  const answers = oracle.lines[Symbol.asyncIterator]()
  const different: string[] = []
  let compared = 0
  for (let k = 0; k < Number(values.frames); k++) {
    const bytes = encode({ values: valuesOf(k) })
    oracle.say(JSON.stringify({ of, text: Buffer.from(bytes).toString('latin1') }))
    const found = new Map<string, number>()
    read(kind, bytes, (channel, value) => found.set(channel, scaled(value, channels.get(channel) as Channel)))
    const { value: answer } = await answers.next()
    if (answer === undefined) throw new Error(`the reader of ${of} ended`)
    for (const [name, value] of Object.entries(JSON.parse(answer) as Record<string, number>)) {
      compared++
      const own = found.get(name)
      if (own === undefined || Math.abs(own - value) > 1e-9 * Math.max(1, Math.abs(value)))
        different.push(`${name} ${own} ${value}`)
    }
  }
  context.check(
    compared > 0 && different.length === 0,
    `${kind}: ${compared} values as ${of} reads them ${different.slice(0, 5).join(', ')}`,
  )
}

function read(kind: string, bytes: Uint8Array, take: (channel: string, value: number) => void): void {
  const plugin = decoderPlugins[kind]!
  const sink = {
    frame() {},
    sample() {},
    absent() {},
    bad() {},
    reading: (channel: string, _: number, v: unknown) => take(channel, Number(v)),
  }
  plugin.create(plugin.schema.parse({})).decode(bytes, 0, sink)
}

/** Every address of the map of the meter, as float32. */
async function pollModbus(context: Program, python: string): Promise<void> {
  const plugin = decoderPlugins['modbus-rtu']!
  const decoder = plugin.create(plugin.schema.parse({ model: 'sdm630', everyMs: 200 }))
  const floats = Array.from({ length: 40 }, (_, k) => Math.fround(k * 1.5 - 7))
  const words = floats.flatMap((value) => {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatBE(value)
    return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)]
  })
  const oracle = startOracle(context, python)
  oracle.say(JSON.stringify({ words }))
  const found = new Map<string, unknown>()
  const sink = {
    frame() {},
    sample() {},
    absent() {},
    bad: (_: number, reason: string) => context.say(`modbus-rtu: ${reason}`),
    reading: (channel: string, _: number, value: unknown) => void found.set(channel, value),
  }
  oracle.lines.on('line', (hex: string) => decoder.decode(Buffer.from(hex, 'hex'), Date.now(), sink))
  const expected = Object.entries({ voltage_l1: 0, voltage_l2: 2, voltage_l3: 4, current_l1: 6, current_l2: 8, current_l3: 10 })
    .concat(
      Object.entries({
        power_l1: 12,
        power_l2: 14,
        power_l3: 16,
        power: 52,
        frequency: 70,
        energy_import: 72,
        energy_export: 74,
      }),
    )
    .map(([name, at]): [string, number] => [name, floats[at / 2]!])
  const endMs = Date.now() + 20_000
  while (found.size < expected.length && Date.now() < endMs) {
    const request = decoder.poll!.next(Date.now(), sink)
    if (request) oracle.say(Buffer.from(request).toString('hex'))
    await new Promise((resolve) => setTimeout(resolve, decoder.poll!.everyMs))
  }
  const wrong = expected.filter(([name, value]) => found.get(name) !== value)
  context.check(
    wrong.length === 0,
    `modbus-rtu: ${expected.length} registers as pymodbus serves them ${wrong.map(([name]) => name).join(', ')}`,
  )
}
