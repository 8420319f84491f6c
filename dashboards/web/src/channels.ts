/** Which channels a card shows, in which colour, and whether a value may still be called live. */
import type { DeviceView, LastValue, OpenAbsence } from '@millrace/cloud-processor/web'
import type { Channel } from '@millrace/contract'

/** Names of CSS colours; see tokens.css. Bedside monitors have taught people green for the heart and cyan for oxygen. */
export type Hue = 'green' | 'cyan' | 'amber' | 'coral' | 'violet' | 'slate'
const known: [RegExp, Hue][] = [
  [/spo2|pleth|oxy|sat|loinc:(59408|2708)/i, 'cyan'],
  [/ecg|heart|pulse|\bhr\b|bpm|loinc:(8867|8889)/i, 'green'],
  [/resp|breath|energy|power|current/i, 'amber'],
  [/temp|pressure|bp|systolic|diastolic/i, 'coral'],
  [/eeg|exg|pm|gas|co2|volt/i, 'violet'],
]

export function hueOf(channel: Pick<Channel, 'name' | 'code'>): Hue {
  const text = `${channel.name} ${channel.code ?? ''}`
  return known.find(([pattern]) => pattern.test(text))?.[1] ?? 'slate'
}

const rank = (channel: Channel) =>
  (/spo2|heart|pulse|\bhr\b|pm2|temp|power/i.test(channel.name) ? 0 : 2) + (channel.code ? 0 : 1) + (channel.unit === '1' ? 1 : 0)

/** Numbers people want first: the best known, in the device's own order. */
export function mainChannels(channels: Channel[], most: number): Channel[] {
  const beside = new Set(channels.flatMap((channel) => Object.values(countedOf(channels, channel))))
  const numbers = channels.filter((channel) => channel.kind === 'number' && !beside.has(channel))
  const order = new Map(numbers.map((channel, index) => [channel, index]))
  const best = [...numbers].sort((a, b) => rank(a) - rank(b) || order.get(a)! - order.get(b)!).slice(0, most)
  return best.length > 0 ? best : channels.filter((channel) => channel.kind !== 'waveform').slice(0, most)
}

/** What was counted on a channel, where that is derived: its total over resets, and how fast. */
export function countedOf(channels: Channel[], { name }: Channel): { total?: Channel; rate?: Channel } {
  const isOf = ({ recipe }: Channel) => recipe?.channels.length === 1 && recipe.channels[0] === name
  const find = (output: string) => channels.find((channel) => isOf(channel) && channel.name.endsWith(`.${output}`))
  const [total, rate] = [find('total'), find('rate')]
  return total && rate ? { total, rate } : {}
}

export const waveforms = (channels: Channel[]) => channels.filter((channel) => channel.kind === 'waveform')

/** Nothing of now comes from it: it was imported. */
export const isImported = ({ channels }: { channels: Channel[] }) =>
  channels.length > 0 && channels.every(({ historical }) => historical === true)

export type Freshness =
  | { kind: 'live'; last: LastValue }
  | { kind: 'stale'; last: LastValue }
  | { kind: 'absent'; absence: OpenAbsence; last?: LastValue }
  | { kind: 'none' }

export interface Moment {
  isLinkLive: boolean
  nowMs: number
  ageMsMax: number
}

/** A value is live only while the link, the device and the channel all are. */
export function freshness(
  view: Omit<DeviceView, 'last'>,
  channel: Channel,
  last: LastValue | undefined,
  { isLinkLive, nowMs, ageMsMax }: Moment,
): Freshness {
  const absence = view.absences.find((open) => open.channel === channel.name || open.channel === '*')
  if (absence && (last === undefined || last.t <= absence.fromMs)) return { kind: 'absent', absence, last }
  if (last === undefined) return { kind: 'none' }
  const oldMs = Math.max(ageMsMax, 4 * (channel.intervalMs ?? 0))
  return { kind: isLinkLive && view.state === 'online' && nowMs - last.t < oldMs ? 'live' : 'stale', last }
}
