/**
 * A scenario: which devices there are, and what happens to them when. A YAML file; every key but `devices` has a default.
 * Times are seconds of the devices' own time, from the start.
 */
import { readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { checkConfig, loadConfig, MillraceError } from '@millrace/platform'
import { z } from 'zod'
import type { DueOrder } from './device.ts'

const deviceSchema = z.strictObject({
  kind: z
    .string()
    .optional()
    .describe('Instrument: contec-cms50, nmea-0183, openbci-cyton. With a recording only for a raw capture: its decoder.'),
  recording: z.string().optional().describe('Path of a recording to play instead, from the folder of this file.'),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .describe('Device id; with count, the beginning of it.'),
  count: z.int().min(1).max(1000).optional().describe('So many of them: name-1, name-2, ...'),
  port: z.enum(['pty', 'tcp']).default('pty').describe('A pseudo-terminal named after the device, or a TCP port on loopback.'),
  tcpPort: z.int().min(0).max(65535).default(0).describe("For port: tcp, the first one's number; 0 takes free ones."),
  signal: z.record(z.string(), z.unknown()).default({}).describe('Parameters of the signals; see the instrument.'),
  decoder: z.record(z.string(), z.unknown()).default({}).describe('Configuration of the decoder that will read it.'),
})

const device = z.string()
const atS = z.number().min(0)
const durationS = z.number().positive()
const eventSchema = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('desaturate'), device, atS, durationS, toPercent: z.number().min(0).max(100) }),
  z.strictObject({ event: z.literal('probe-off'), device, atS, durationS }),
  z.strictObject({ event: z.literal('unplug'), device, atS, durationS }),
  z.strictObject({ event: z.literal('garbage'), device, atS, bytes: z.int().min(1).max(4000) }),
  z
    .strictObject({ event: z.literal('link-cut'), atS, durationS })
    .describe('A marker: the program that runs the scenario cuts the uplink.'),
])
export type StoryEvent = z.infer<typeof eventSchema>

/** Exported for its test. */
export const scenarioSchema = z.strictObject({
  name: z.string().default('scenario'),
  seed: z.int().default(1).describe('The same seed gives the same bytes.'),
  distinct: z.boolean().default(false).describe('Make neighbouring values of a channel differ, so that order can be proved.'),
  devices: z.array(deviceSchema).min(1),
  story: z.array(eventSchema).default([]),
  repeat: z
    .strictObject({
      fromS: z.number().min(0).describe('When the first round begins.'),
      everyS: z.number().positive(),
      story: z.array(eventSchema).describe('Times from the beginning of a round; all is over before the next.'),
    })
    .optional()
    .describe('What happens again and again after the story.'),
})
export type Scenario = z.infer<typeof scenarioSchema>
type ScenarioDevice = Scenario['devices'][number]

/** One device, or for a recording one file, after counting out. */
export type ScenarioMember = Omit<ScenarioDevice, 'count'>

/** A path as it is; the bare name of a scenario that comes with this package, as `ward`, is its path. */
/** @throws MillraceError SCENARIO_UNKNOWN with the names that there are. */
export function scenarioPath(nameOrPath: string): string {
  if (!/^[a-z-]+$/.test(nameOrPath)) return nameOrPath
  const own = join(import.meta.dirname, 'scenarios')
  const known = readdirSync(own).map((file) => basename(file, '.yaml'))
  if (!known.includes(nameOrPath)) throw new MillraceError('SCENARIO_UNKNOWN', { name: nameOrPath, known: known.join(', ') })
  return join(own, `${nameOrPath}.yaml`)
}

/** @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID. */
export function loadScenario(path: string): Scenario {
  const scenario = loadConfig(scenarioSchema, path)
  for (const one of scenario.devices) if (one.recording !== undefined) one.recording = resolve(dirname(path), one.recording)
  return checkNames(scenario, path)
}

/** The same from an object in memory; every key but `devices` may be left out. @throws MillraceError CONFIG_INVALID. */
export function parseScenario(raw: z.input<typeof scenarioSchema>): Scenario {
  return checkNames(checkConfig(scenarioSchema, raw, '(scenario)'), '(scenario)')
}

export function membersOf(scenario: Scenario): ScenarioMember[] {
  return scenario.devices.flatMap(({ count, ...device }) =>
    count === undefined
      ? [device]
      : Array.from({ length: count }, (_, k) => ({
          ...device,
          name: `${device.name}-${k + 1}`,
          tcpPort: device.tcpPort === 0 ? 0 : device.tcpPort + k,
        })),
  )
}

/** What happens to one device, in order; endless where something repeats. */
export function storyOf(scenario: Scenario, id: string): Generator<DueOrder> {
  return inOrder(scenario, (event) => ('device' in event && event.device === id ? ordersOf(event) : []))
}

/** Every event when it begins, in order; endless where something repeats. */
export function eventsOf(scenario: Scenario): Generator<StoryEvent> {
  return inOrder(scenario, (event) => [event])
}

/** When the runner of a scenario is to cut the uplink, and for how long; endless where it repeats. */
export function linkCuts(scenario: Scenario): Generator<{ atS: number; durationS: number }> {
  return inOrder(scenario, (event) => (event.event === 'link-cut' ? [{ atS: event.atS, durationS: event.durationS }] : []))
}

/** The story, then the rounds of `repeat`, each event turned into its effect. */
function* inOrder<T extends { atS: number }>(scenario: Scenario, pick: (event: StoryEvent) => T[]): Generator<T> {
  const sorted = (events: StoryEvent[]) => events.flatMap(pick).sort((a, b) => a.atS - b.atS)
  yield* sorted(scenario.story)
  if (!scenario.repeat) return
  const { fromS, everyS, story } = scenario.repeat
  const round = sorted(story)
  for (let startS = fromS; round.length > 0; startS += everyS) for (const one of round) yield { ...one, atS: startS + one.atS }
}

function ordersOf(event: StoryEvent): DueOrder[] {
  const { atS } = event
  if (event.event === 'link-cut') return []
  if (event.event === 'garbage') return [{ atS, order: { act: 'garbage', bytes: event.bytes } }]
  const { durationS } = event
  if (event.event === 'desaturate') return [{ atS, order: { act: 'desaturate', toPercent: event.toPercent, durationS } }]
  const [first, second] = event.event === 'unplug' ? (['unplug', 'plug'] as const) : (['probe-off', 'probe-on'] as const)
  return [
    { atS, order: { act: first } },
    { atS: atS + durationS, order: { act: second } },
  ]
}

function checkNames(scenario: Scenario, path: string): Scenario {
  const names = membersOf(scenario).map((member) => member.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  const nothing = scenario.devices.find((one) => one.kind === undefined && one.recording === undefined)
  const stranger = [...scenario.story, ...(scenario.repeat?.story ?? [])].find(
    (event) => 'device' in event && !names.includes(event.device),
  )
  const detail = twice
    ? `devices: ${twice} is there twice`
    : nothing
      ? `devices: ${nothing.name} has neither a kind nor a recording`
      : stranger && `story: no device for ${JSON.stringify(stranger)}`
  if (detail) throw new MillraceError('CONFIG_INVALID', { path, detail })
  return scenario
}
