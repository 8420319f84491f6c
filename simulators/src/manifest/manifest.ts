/**
 * The manifest is the truth about a run: what was really put on the line, and what was spoilt on purpose. JSON lines,
 * appended about once a second; a line that a kill tore off is ignored when read.
 *
 *   first   {f: 1, k: "manifest", scenario, seed, startedMs, devices: [{device, kind, config, channels}]}
 *   scalars {k: "produced", device, channel, t: [ms, ...], v: [raw, ...]}          t is when it was written
 *   waves   {k: "produced", device, channel, t: startMs, i: intervalMs, v: [raw, ...]}
 *   faults  {k: "fault", device, kind, fromMs, toMs?, bytes?, frames?}             no toMs: it lasted to the end
 *   last    {k: "end", totals: {device: {readings, samples, frames, bad}}}         missing after a kill
 *
 * Only what was taken by the line as whole good frames is produced. Values are what the device's decoder must read, so a
 * frame that says "probe off" is a frame without readings. Times are this machine's wall clock. What a line took may still
 * be lost by a reader that is killed, stalls or unplugs before it has read it.
 */
import type { Channel, Value } from '@millrace/contract'

export interface ManifestDevice {
  device: string
  kind: string
  config: unknown
  channels: Channel[]
}

export interface ManifestHeader {
  f: 1
  k: 'manifest'
  scenario: string
  seed: number
  startedMs: number
  devices: ManifestDevice[]
}

/** `overrun`: nobody read for so long that the line was full. `unread`: no reader had the port open. */
export type FaultKind = 'garbage' | 'unplug' | 'probe-off' | 'overrun' | 'unread'

export interface Fault {
  k: 'fault'
  device: string
  kind: FaultKind
  fromMs: number
  toMs?: number
  /** Of the frames that were lost; for garbage its length. */
  bytes?: number
  frames?: number
}

export type Produced =
  | { k: 'produced'; device: string; channel: string; t: number[]; v: Value[] }
  | { k: 'produced'; device: string; channel: string; t: number; i: number; v: number[] }

export interface DeviceTotals {
  readings: number
  samples: number
  /** Good ones. */
  frames: number
  bad: number
}

export interface ManifestEnd {
  k: 'end'
  totals: Record<string, DeviceTotals>
}

export type ManifestLine = ManifestHeader | Produced | Fault | ManifestEnd
