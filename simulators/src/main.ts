#!/usr/bin/env node
/**
 * millrace-sim run <scenario.yaml | ward | chaos | load> --ports <dir> [options]
 * millrace-sim replay <recording> --ports <dir> [--name <device>] [--kind <decoder>] [options]
 *
 *   --manifest <file>   write down what was really sent
 *   --seed <n>          another seed than the scenario's
 *   --speed <x>         device time over real time; `max` plays recordings as fast as they are read, at most 0.8 samples of a waveform a ms, losing nothing
 *   --duration <s>      end by itself
 *   --control           commands on standard input, a JSON object a line:
 *                       {"cmd": "unplug" | "plug" | "probe-off" | "probe-on", "device"}, {"cmd": "garbage", "device", "bytes"},
 *                       {"cmd": "desaturate", "device", "toPercent", "durationS"}, {"cmd": "stop"}
 *
 * Standard output, a JSON object a line: `ready` with the devices when the ports are there, `event` when the story has one,
 * `ok` or `error` for each command, `end` with the totals. SIGTERM and SIGINT end it cleanly, after `stopping`.
 */
import { basename, extname } from 'node:path'
import { createInterface } from 'node:readline'
import { checkConfig, createLog, createMetrics, MillraceError, measureEventLoop, readArguments } from '@millrace/platform'
import { z } from 'zod'
import { type Fleet, startFleet } from './fleet.ts'
import { loadScenario, parseScenario, type Scenario, scenarioPath } from './scenario.ts'

const usage = {
  call: 'millrace-sim',
  words: ['run <scenario> --ports <dir>', 'replay <recording> --ports <dir>'],
  purpose: `run plays a scenario (ward, chaos, load, or a file), replay a recording, on pseudo-terminals in the folder --ports.
--manifest writes down what was sent; --speed is device time over real time, or max; --duration is in seconds;
--control takes commands on standard input; --name and --kind are the device and decoder of a recording.`,
}

const device = z.string()
const commandSchema = z.discriminatedUnion('cmd', [
  z.strictObject({ cmd: z.enum(['unplug', 'plug', 'probe-off', 'probe-on']), device }),
  z.strictObject({ cmd: z.literal('garbage'), device, bytes: z.int().min(1).max(4000).default(32) }),
  z.strictObject({
    cmd: z.literal('desaturate'),
    device,
    toPercent: z.number().min(0).max(100),
    durationS: z.number().positive(),
  }),
  z.strictObject({ cmd: z.literal('stop') }),
])

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof MillraceError ? error.message : error}\n`)
  process.exit(1)
}

async function main(): Promise<void> {
  const { what, scenario, options } = readOptions()
  measureEventLoop(createMetrics(), createLog('simulator'))
  const fleet = await startFleet(scenario(what), { ...options, onEvent: (event) => say({ k: 'event', ...event }) })
  say({ k: 'ready', devices: fleet.devices.map(({ channels: _, ...described }) => described) })
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      say({ k: 'stopping', why: signal })
      stop()
    })
  if (options.control) void control(fleet).then(stop)
  await Promise.race([fleet.done, stopped])
  await fleet.stop()
  say({ k: 'end', totals: fleet.totals() })
  process.exit(0)
}

function readOptions() {
  const text = { type: 'string' } as const
  const { positionals, values, refuse } = readArguments(usage, {
    ports: text,
    manifest: text,
    seed: text,
    speed: text,
    duration: text,
    name: text,
    kind: text,
    control: { type: 'boolean', default: false },
  })
  const [verb, what] = positionals
  if (values.ports === undefined) return refuse('--ports is missing')
  const play = (path: string) => replayOf(path, values.name, values.kind)
  return {
    what: what!,
    scenario: verb === 'run' ? (name: string) => loadScenario(scenarioPath(name)) : play,
    options: {
      portsDir: values.ports,
      manifest: values.manifest,
      seed: numberOf('seed', values.seed),
      speed: values.speed === 'max' ? ('max' as const) : numberOf('speed', values.speed),
      durationS: numberOf('duration', values.duration),
      control: values.control,
    },
  }
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text !== undefined && !Number.isFinite(Number(text))) throw new Error(`--${name} ${text} is not a number.`)
  return text === undefined ? undefined : Number(text)
}

function replayOf(recording: string, name: string | undefined, kind: string | undefined): Scenario {
  const device =
    name ??
    basename(recording, extname(recording))
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
  return parseScenario({ name: basename(recording), devices: [{ name: device, recording, kind }] })
}

/** Carries out commands until `stop`, or the end of the input. */
async function control(fleet: Fleet): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue
    try {
      const command = checkConfig(commandSchema, JSON.parse(line), '(command)')
      if (command.cmd === 'stop') return
      const { cmd: act, device, ...rest } = command
      fleet.order(device, { act, ...rest } as Parameters<Fleet['order']>[1])
      say({ k: 'ok', ...command })
    } catch (error) {
      say({ k: 'error', text: error instanceof Error ? error.message : `${error}` })
    }
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
