/** A timeline of a small ward, the same each time: two beds, a backlog of the day before, repeats, ticks and cuts. */
import {
  type CutCounts,
  emptyEdgeCounts,
  encodeJson,
  type ReadingsRecord,
  type Tally,
  type TimelineRecord,
} from '@millrace/contract'
import type { LogRecord } from '../../../log/log.ts'

/** Ten seconds before a day ends. */
export const startMs = Date.UTC(2026, 10, 29, 23, 59, 50)
const beds = ['bed-1', 'bed-2']

/** `seconds` of it; offsets rise from 0. */
export function timeline(seconds: number): LogRecord[] {
  const records: TimelineRecord[] = beds.map(declaration)
  for (let second = 0; second < seconds; second++) {
    const atMs = startMs + second * 1000
    records.push(...beds.map((bed) => readings(bed, second, atMs)))
    // From a source without an agent, a day late, and some of it again and again.
    if (second % 7 === 6) records.push(late('bed-1', second, atMs - 86_400_000))
    records.push({ f: 1, k: 'tick', atMs })
    if (second % 5 === 4) records.push(cut(second))
  }
  return records.map((record, offset) => ({
    offset,
    key: 'subject' in record ? record.subject : '',
    value: encodeJson(record),
    timeMs: startMs,
    source: { log: 'raw', partition: 0, offset, index: 0 },
  }))
}

function declaration(device: string): TimelineRecord {
  const channels = [
    { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%' },
    { name: 'temp', kind: 'number', datatype: 'Int16', unit: 'Cel', scale: 0.1 },
    { name: 'state', kind: 'text', datatype: 'String', unit: '1' },
    { name: 'on', kind: 'boolean', datatype: 'Boolean', unit: '1' },
    { name: 'ecg', kind: 'waveform', datatype: 'Int16Array', unit: 'mV', scale: 0.005, intervalMs: 4 },
  ] as const
  return { f: 1, k: 'declaration', subject: device, device, node: 'ward/gateway', channels: [...channels] }
}

function readings(device: string, second: number, atMs: number): ReadingsRecord {
  const column = (...v: (number | string | boolean)[]) => ({ t: v.map((_, k) => atMs + k * 500), v })
  return {
    ...{ f: 1, k: 'readings', subject: device, device, stream: 'now', number: second + 1, hist: false, receivedMs: atMs + 20 },
    channels: {
      spo2: { ...column(90 + (second % 9), 91), q: [0, 1] },
      temp: column(365 + (second % 20)),
      state: column(second % 2 ? 'on' : 'off'),
      on: column(second % 2 === 1),
    },
    waves: { ecg: [{ t: atMs + 0.25, i: 4, v: Array.from({ length: 25 }, (_, k) => ((second * 25 + k) * 7) % 200) }] },
  }
}

function late(device: string, second: number, atMs: number): ReadingsRecord {
  const t = [atMs - (atMs % 30_000), atMs]
  return {
    ...{ f: 1, k: 'readings', subject: device, device, stream: 'bridge', hist: true, receivedMs: atMs + 86_400_000 },
    channels: { spo2: { t: [...new Set(t)], v: [second, second + 1].slice(0, new Set(t).size) } },
    waves: {},
  }
}

/** Of the stream `now`. */
function cut(second: number): TimelineRecord {
  const forwarded: Tally = [(second + 1) * 5, (second + 1) * 25]
  const counts: CutCounts = {
    edge: { ...emptyEdgeCounts(), read: forwarded },
    evicted: [0, 0],
    rejected: [0, 0],
    forwarded,
    ahead: [0, 0],
  }
  const devices = Object.fromEntries(beds.map((bed) => [bed, counts]))
  return { f: 1, k: 'cut', node: 'ward/gateway', stream: 'now', through: second + 1, closed: false, devices }
}
