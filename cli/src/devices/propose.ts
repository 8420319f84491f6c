/** From payloads that were received to a proposal of how they are read: codec, channels, units. */

export interface Proposal {
  codec: 'json' | 'senml-json' | 'influx-line'
  /** Path of the time in the payload; absent: the time of arrival. */
  time?: string
  channels: ProposedChannel[]
}

export interface ProposedChannel {
  name: string
  path: string
  kind: 'number' | 'text' | 'boolean'
  unit: string
}

type Found = Map<string, unknown>

const textMax = 200
const channelsMax = 200

/** Undefined: nothing in them is a value that can be named. @param payloads of one topic, the newest last */
export function propose(payloads: string[]): Proposal | undefined {
  const records = payloads.map(parse)
  const lists = records.filter((record) => Array.isArray(record) && record.some((one) => typeof one?.n === 'string'))
  if (lists.length > 0) return withChannels('senml-json', gather(lists.map(senmlOf)))
  const objects = records.filter((record) => record !== null && typeof record === 'object')
  if (objects.length > 0) return jsonProposal(gather(objects.map((object) => leavesOf(object))))
  const lines = payloads.map(lineOf).filter((line) => line !== undefined)
  return lines.length > 0 ? withChannels('influx-line', gather(lines)) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function jsonProposal(found: Found): Proposal | undefined {
  const time = [...found.keys()].find((path) => isTime(path, found.get(path)))
  if (time !== undefined) found.delete(time)
  const proposal = withChannels('json', found)
  return proposal && (time === undefined ? proposal : { ...proposal, time })
}

function withChannels(codec: Proposal['codec'], found: Found): Proposal | undefined {
  const channels = [...found].slice(0, channelsMax).flatMap(([path, value]) => channelOf(path, value))
  return channels.length > 0 ? { codec, channels } : undefined
}

function channelOf(path: string, value: unknown): ProposedChannel[] {
  const name = path.slice(0, textMax)
  if (typeof value === 'number') return [{ name, path, kind: 'number', unit: unitOf(path, value) }]
  if (typeof value === 'boolean') return [{ name, path, kind: 'boolean', unit: '1' }]
  if (typeof value === 'string' && value.length <= textMax) return [{ name, path, kind: 'text', unit: '1' }]
  return []
}

function gather(all: Found[]): Found {
  return new Map(all.flatMap((one) => [...one]))
}

/** A key with a dot in it could not be told from a path. */
function leavesOf(value: unknown, path = ''): Found {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return new Map(path === '' ? [] : [[path, value]])
  const below = Object.entries(value).filter(([key]) => !key.includes('.') && key !== '')
  return gather(below.map(([key, child]) => leavesOf(child, path === '' ? key : `${path}.${key}`)))
}

function senmlOf(records: unknown): Found {
  const all = records as { n?: unknown; v?: unknown; vb?: unknown; vs?: unknown }[]
  return new Map(all.filter(({ n }) => typeof n === 'string').map(({ n, v, vb, vs }) => [n as string, v ?? vb ?? vs]))
}

/** `measurement,tag=x field=1,other="text" time` */
function lineOf(text: string): Found | undefined {
  const [, measurement, fields] = /^([\w.-]+)(?:,\S+)? (\S+)(?: \d+)?\s*$/.exec(text.split('\n')[0] ?? '') ?? []
  if (fields === undefined) return undefined
  const pairs = fields.split(',').map((pair) => pair.split('='))
  return new Map(pairs.map(([name, value = '']) => [`${measurement}.${name}`, fieldOf(value)]))
}

function fieldOf(text: string): unknown {
  if (/^(?:t|true)$/i.test(text)) return true
  if (/^(?:f|false)$/i.test(text)) return false
  return text.startsWith('"') ? text.slice(1, -1) : Number.parseFloat(text)
}

const hourMs = 3_600_000

/** Milliseconds of now, or a date as RFC 3339 has it. */
function isTime(path: string, value: unknown): boolean {
  if (!/^(?:t|ts|time|timestamp|date|datetime)$/i.test(path.slice(path.lastIndexOf('.') + 1))) return false
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value)
  return typeof value === 'number' && Math.abs(value - Date.now()) < 24 * hourMs
}

const units: [RegExp, string | ((value: number) => string)][] = [
  [/temp|dew/, 'Cel'],
  [/hum|moist|spo2|soc\b/, '%'],
  [/press|baro/, (value) => (value > 2000 ? 'Pa' : 'hPa')],
  [/co2|voc|ppm/, '[ppm]'],
  [/pm(?:1|2|10)/, 'ug/m3'],
  [/volt|(?:^|[._])v(?:bat|cc|dd)?$/, 'V'],
  [/batt/, (value) => (value <= 15 ? 'V' : '%')],
  [/curr|amp/, 'A'],
  [/energy|kwh/, 'kW.h'],
  [/power|watt/, 'W'],
  [/lux|illum/, 'lx'],
  [/pulse|heart|bpm/, '/min'],
  [/uptime|seconds/, 's'],
]

/** A guess by the name, in UCUM; `1` says nothing. */
function unitOf(path: string, value: number): string {
  const unit = units.find(([pattern]) => pattern.test(path.toLowerCase()))?.[1] ?? '1'
  return typeof unit === 'string' ? unit : unit(value)
}
