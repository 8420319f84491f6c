/** Numbers, units, names and times for people. */
import type { AbsenceReason, Channel, Value } from '@millrace/contract'

const units = new Map(
  Object.entries({
    '1': '',
    '/min': '/min',
    '{beats}/min': 'bpm',
    Cel: '°C',
    'mm[Hg]': 'mmHg',
    'ug/m3': 'µg/m³',
    m3: 'm³',
    'kW.h': 'kWh',
    'W.h': 'Wh',
    deg: '°',
    'm/s': 'm/s',
    '[kn_i]': 'kn',
    uV: 'µV',
  }),
)

/** UCUM as people write it; annotations in braces are left out. */
export function unitText(unit: string): string {
  const [, of, per] = /^(.+)(\/(?:s|min|h|d))$/.exec(unit) ?? []
  if (of !== undefined && units.has(of)) return `${units.get(of)}${per}`
  return units.get(unit) ?? unit.replace(/\{[^}]*\}/g, '').replace(/^1$/, '')
}

const names = new Map(
  Object.entries({
    spo2: 'SpO₂',
    pulse: 'Pulse',
    'pulse-rate': 'Pulse',
    hr: 'Heart rate',
    'heart-rate': 'Heart rate',
    heartrate: 'Heart rate',
    rr: 'RR interval',
    ecg: 'ECG',
    eeg: 'EEG',
    pi: 'Perfusion',
    pm1: 'PM1',
    'pm2.5': 'PM2.5',
    pm2_5: 'PM2.5',
    pm25: 'PM2.5',
    pm10: 'PM10',
  }),
)

const shorts = new Map(Object.entries({ 'Heart rate': 'HR', Temperature: 'Temp', Respiration: 'Resp', 'RR interval': 'RR' }))

/** As bedside monitors call it, where there is little room. */
export function shortText(name: string): string {
  const text = channelText(name)
  return shorts.get(text) ?? text
}

export function channelText(name: string): string {
  const known = names.get(name.toLowerCase().replace(/_/g, '-'))
  if (known) return known
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[-_/]+/g, ' ')
    .trim()
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(/\b(ecg|eeg|hr|co2|pm)\b/gi, (word) => word.toUpperCase())
}

/** As many decimals as the device measures. */
function decimals({ scale, datatype }: Pick<Channel, 'scale' | 'datatype'>): number | undefined {
  if (scale !== undefined) return Math.max(0, Math.min(6, Math.ceil(-Math.log10(Math.abs(scale)) - 1e-9)))
  return datatype === 'Float' || datatype === 'Double' ? undefined : 0
}

/** For a big figure: five or six digits are what a glance can use. */
export function briefText(value: Value, channel: Channel): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return valueText(value, channel)
  const whole = Math.max(1, Math.ceil(Math.log10(Math.abs(value) + 1)))
  const places = Math.min(decimals(channel) ?? 2, Math.max(0, (whole > 3 ? 6 : 5) - whole))
  return value.toLocaleString(undefined, { minimumFractionDigits: places, maximumFractionDigits: places })
}

export function valueText(value: Value, channel: Channel | undefined): string {
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (typeof value === 'string') return value
  if (!Number.isFinite(value)) return '–'
  const places = channel && decimals(channel)
  if (places !== undefined)
    return value.toLocaleString(undefined, { minimumFractionDigits: places, maximumFractionDigits: places })
  return value.toLocaleString(undefined, { maximumSignificantDigits: 4 })
}

const reasons: Record<AbsenceReason, string> = {
  unplugged: 'Unplugged',
  locked: 'Port held by another program',
  'no-permission': 'No permission for the port',
  unavailable: 'Port unavailable',
  'probe-off': 'Probe off',
  'out-of-range': 'Out of range',
  searching: 'Searching',
  'no-value': 'No value',
  'link-down': 'Link down',
  evicted: 'Evicted',
  'agent-down': 'Agent down',
  damaged: 'Lost with a damaged log',
  restored: 'Lost with a restored log',
  stalled: 'Stalled',
}
const reasonWords = new Map(Object.entries(reasons))
/** Also of a death, whose reason may be another text. */
export const reasonText = (reason: string) => reasonWords.get(reason) ?? reason

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const dated = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})
export const timeText = (atMs: number) => clock.format(atMs)
/** With the day when it is not today. */
export const whenText = (atMs: number, nowMs: number) => (nowMs - atMs < 20 * 3_600_000 ? clock.format(atMs) : dated.format(atMs))

export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** What was added to the times of a clock that is off, and within how much that is right. */
export function correctionText({ byMs, uncertaintyMs }: { byMs: number; uncertaintyMs: number }): string {
  const size = Math.abs(byMs) < 10_000 ? `${Math.abs(byMs)} ms` : ageText(Math.abs(byMs))
  return `by ${byMs < 0 ? '−' : '+'}${size}, within ${Math.ceil(uncertaintyMs)} ms`
}

export const countText = (value: number) => Math.round(value).toLocaleString()

export function bytesText(bytes: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  let rest = bytes
  while (rest >= 1000 && at < names.length - 1) {
    rest /= 1000
    at++
  }
  return `${rest.toLocaleString(undefined, { maximumFractionDigits: rest < 10 && at > 0 ? 1 : 0 })} ${names[at]}`
}

export function rateText(perS: number): string {
  return perS.toLocaleString(undefined, { maximumFractionDigits: perS < 10 ? 1 : 0 })
}

/** What an account sees. */
export const scopeText = (scope: string[]) => scope.join(', ') || 'everything'
