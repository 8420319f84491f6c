/**
 * What is derived of a device by the configuration and what it declared: made again from them after a restart, and when it declares
 * something else. What must survive a restart is in `state.derived` (../state/state.ts).
 */
import { compileGlobs } from '@millrace/alarms'
import type { Channel } from '@millrace/contract'
import type { Analysis, Run } from '../analyses/analysis.ts'
import type { AnalysisConfig } from '../analyses/config.ts'
import { analysisOf } from '../analyses/index.ts'
import type { PrepareConfig } from '../config.ts'
import { deviceNamed, newest } from '../state/nodes.ts'
import type { DeviceState, PrepareState } from '../state/state.ts'

/** One entry of the configuration at one device. */
export interface Series {
  entry: AnalysisConfig
  analysis: Analysis
  run: Run
  /** Of the device, in the order of the entry. */
  sources: Channel[]
  /** The derived channels. */
  channels: Channel[]
  /** Says what a memory is of: with anything else a new one begins. */
  of: string
}

/** By device. */
type Known = Map<string, Series[]>
const known = new WeakMap<PrepareState, Known>()
const none: Series[] = []

export function seriesOf(state: PrepareState, config: PrepareConfig, node: string, device: string): Series[] {
  let all = known.get(state)
  if (!all) {
    all = new Map()
    known.set(state, all)
  }
  let found = all.get(device)
  if (!found) {
    found = make(state, config, node, device)
    all.set(device, found)
  }
  return found
}

/** It declared something. */
export function forgetSeries(state: PrepareState, device: string): void {
  known.get(state)?.delete(device)
}

function make(state: PrepareState, config: PrepareConfig, node: string, name: string): Series[] {
  const entries = config.analyses.filter(({ devices }) => compileGlobs(devices)(name))
  if (entries.length === 0) return none
  const device = deviceNamed(state, node, name)
  return device ? entries.flatMap((entry) => seriesAt(entry, device)) : none
}

/** None where the device has not the channels, or one of its own under the name of a derived one. */
function seriesAt(entry: AnalysisConfig, device: DeviceState): Series[] {
  const analysis = analysisOf(entry)
  const own = new Map(newest(device).map((channel) => [channel.name, channel]))
  const sources = entry.channels.map((name) => own.get(name)).filter((channel) => channel !== undefined)
  if (sources.length < entry.channels.length || !sources.every((channel) => fits(channel, analysis))) return []
  const channels = derivedChannels(entry, analysis, sources)
  if (channels.some(({ name }) => own.has(name))) return []
  const of = JSON.stringify([channels[0]!.recipe, sources])
  return [{ entry, analysis, run: analysis.open(entry, sources), sources, channels, of }]
}

const fits = ({ kind }: Channel, { takes }: Analysis) => kind === takes || (kind === 'boolean' && takes === 'number')

const datatypes = { number: 'Double', text: 'String', boolean: 'Boolean' } as const

function derivedChannels(entry: AnalysisConfig, analysis: Analysis, sources: Channel[]): Channel[] {
  const { name, devices: _, analysis: __, channels, ...parameters } = entry
  const historical = sources.every((source) => source.historical) ? { historical: true as const } : {}
  const recipe = { analysis: analysis.name, version: analysis.version, channels, parameters }
  return analysis
    .outputs(entry, sources)
    .map((output) => ({ ...output, name: `${name}.${output.name}`, datatype: datatypes[output.kind], ...historical, recipe }))
}
