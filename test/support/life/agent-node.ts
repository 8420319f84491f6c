/** A Millrace edge node: births, numbered batches with repeats, late ones and bad ones, ledger and gap records. */
import {
  type BatchName,
  type Channel,
  type Columns,
  countReadings,
  type EdgeCounts,
  emptyEdgeCounts,
  nodeMetrics,
  scaled,
  type Value,
} from '@millrace/contract'
import {
  declare,
  encodeBatch,
  encodeDeviceBirth,
  encodeNodeBirth,
  encodeNodeData,
  encodeNodeDeath,
} from '@millrace/contract/sparkplug'
import type { Diary } from './diary.ts'

const channels: Channel[] = [
  { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', range: [0, 100], code: 'loinc:59408-5', intervalMs: 250 },
  { name: 'temperature', kind: 'number', datatype: 'Int32', unit: 'Cel', scale: 0.01, offset: 20 },
  { name: 'pressure', kind: 'number', datatype: 'Double', unit: 'mm[Hg]' },
  { name: 'beats', kind: 'number', datatype: 'Int64', unit: '1' },
  { name: 'on', kind: 'boolean', datatype: 'Boolean', unit: '1' },
  { name: 'mode', kind: 'text', datatype: 'String', unit: '1' },
  { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', scale: 0.5, intervalMs: 62.5 },
]
const aliasOf = (channel: string) => channels.findIndex(({ name }) => name === channel) + 1
const channelOf = (channel: string) => channels.find(({ name }) => name === channel)!

export function createAgentNode(diary: Diary, node: string, devices: string[]): () => void {
  const { random } = diary
  const key = `ward/${node}`
  const streams = [`${node}streamone`, `${node}streamtwo`]
  const counts = new Map<string, EdgeCounts>(devices.map((device) => [device, emptyEdgeCounts()]))
  const sent: { topic: string; payload: Uint8Array }[] = []
  const lowUntil = new Map<string, number>()
  let stream = streams[0]!
  let number = 0
  let bdSeq = 0
  let isBorn = false

  const say = (topic: string, payload: Uint8Array) => diary.message(key, `spBv1.0/ward/${topic}`, payload)
  const chance = (share: number) => random.next() < share
  const nextName = (count: number): BatchName => ({ stream, number: ++number, count })

  function born(): void {
    isBorn = true
    say(`NBIRTH/${node}`, encodeNodeBirth({ bdSeq, timestamp: diary.nowMs }))
    for (const device of devices) {
      const declaration = declare(
        device,
        channels.map((channel) => ({ alias: aliasOf(channel.name), channel })),
      )
      say(`DBIRTH/${node}/${device}`, encodeDeviceBirth(declaration, { timestamp: diary.nowMs, seq: 1 }))
    }
  }

  function died(): void {
    isBorn = false
    say(`NDEATH/${node}`, encodeNodeDeath(bdSeq))
    bdSeq = (bdSeq + 1) % 256
  }

  /** What came in the last second; late data was measured long ago. */
  function measure(device: string, fromMs: number): Columns {
    if (chance(0.08)) lowUntil.set(device, fromMs + 6000)
    const isLow = fromMs < (lowUntil.get(device) ?? 0)
    const columns: Columns = { channels: {}, waves: {} }
    const add = (channel: string, values: Value[]) => {
      const t = values.map((_, k) => fromMs + k * 250)
      columns.channels[channel] = { t, v: values, ...(chance(0.2) ? { q: values.map(() => random.below(3)) } : {}) }
    }
    add(
      'spo2',
      [0, 1, 2].map(() => (isLow ? 84 : 95) + random.below(3)),
    )
    add('temperature', [1650 + random.below(200)])
    add('pressure', [random.next() * 1e3, 0.1 + 0.2])
    if (chance(0.5)) add('beats', [Number.MAX_SAFE_INTEGER - random.below(1000)])
    if (chance(0.3)) add('on', [chance(0.5)])
    if (chance(0.3)) add('mode', [`mode "ä", ${random.below(9)}\n`])
    const start = fromMs + (chance(0.5) ? 0 : 0.25)
    columns.waves.pleth = [
      { t: start, i: chance(0.8) ? 62.5 : 31.25, v: Array.from({ length: 8 }, () => random.below(2000) - 1000) },
    ]
    return columns
  }

  /** A reading far in the future is rejected, and its neighbours go on. */
  function send(device: string, columns: Columns, historical: boolean, isSpoiled: boolean): void {
    note(device, columns)
    const { beats = { t: [], v: [] } } = columns.channels
    const future = { t: [...beats.t, diary.nowMs + 9_000_000], v: [...beats.v, 1] }
    const spoilt = isSpoiled ? { ...columns.channels, beats: future } : columns.channels
    const all = { ...columns, channels: spoilt }
    if (chance(0.1)) all.absences = [{ channel: chance(0.5) ? '*' : 'spo2', t: diary.nowMs + 0.5, reason: 'probe-off' }]
    const count = countReadings(all)
    counts.get(device)!.read[0] += count
    counts.get(device)!.read[1] += 8
    const payload = encodeBatch({
      name: nextName(chance(0.03) ? count + 2 : count),
      columns: all,
      aliasOf,
      datatypeOf: (channel) => channelOf(channel).datatype,
      intervalMsOf: () => 62.5,
      bad: chance(0.1) ? [{ atMs: diary.nowMs, reason: 'checksum', hex: 'ff00', bytes: 2 }] : [],
      timestamp: diary.nowMs,
      seq: 0,
      historical,
    })
    const topic = `DDATA/${node}/${device}`
    sent.push({ topic, payload })
    say(topic, payload)
  }

  function note(device: string, { channels: scalars, waves }: Columns): void {
    const put = (channel: string, t: number, raw: Value) =>
      diary.measured({ device, channel, t, value: typeof raw === 'number' ? scaled(raw, channelOf(channel)) : raw })
    for (const [channel, { t, v }] of Object.entries(scalars)) for (const [k, raw] of v.entries()) put(channel, t[k]!, raw)
    for (const [channel, segments] of Object.entries(waves))
      for (const { t, i, v } of segments) for (const [k, raw] of v.entries()) put(channel, t + k * i, raw)
  }

  function tell(metric: string, record: object): void {
    say(
      `NDATA/${node}`,
      encodeNodeData({ name: nextName(0), metrics: { [metric]: JSON.stringify(record) }, timestamp: diary.nowMs, seq: 1 }),
    )
  }

  function ledger(closed = false): void {
    const floors = { [stream]: Math.max(1, number - 5) }
    const backlog = { rows: random.below(9), bytes: random.below(9000) }
    tell(nodeMetrics.ledger, { f: 1, stream, through: number + 1, devices: Object.fromEntries(counts), floors, backlog, closed })
  }

  /** Numbers that nobody will ever send. */
  function evict(): void {
    const first = ++number
    const fromMs = diary.nowMs - 5000
    const devicesLost = { [devices[0]!]: [{ fromMs, toMs: fromMs + 500, lost: [3, 8] }] }
    tell(nodeMetrics.gap, { f: 1, reason: 'evicted', stream, numbers: [[first, first]], devices: devicesLost })
  }

  /** The agent starts again: another stream, after the last word on the former. */
  function restart(): void {
    ledger(true)
    died()
    stream = stream === streams[0] ? streams[1]! : `${node}stream${random.below(1e9)}`
    number = 0
    for (const device of devices) counts.set(device, emptyEdgeCounts())
  }

  return () => {
    if (!isBorn) born()
    for (const device of devices) {
      send(device, measure(device, diary.nowMs - 900), false, chance(0.08))
      // Late data lies between the seconds of the live, so that no channel repeats a millisecond.
      if (chance(0.1)) send(device, measure(device, diary.nowMs - 60_000 - 100 - random.below(50)), true, false)
    }
    if (chance(0.3)) say(sent.at(-1)!.topic, sent.at(-1)!.payload)
    if (chance(0.05)) say(`DDATA/${node}/${devices[0]}`, spoil(sent.at(-1)!.payload))
    if (chance(0.05)) evict()
    // Receipted by another log, and freed: nobody here will ever see it.
    if (chance(0.02)) number++
    if (chance(0.3)) ledger()
    if (chance(0.2))
      diary.order({ by: 'ann', type: 'acknowledge', alarm: `spo2-low/${devices[0]}/spo2/${diary.nowMs - 900}`, note: 'seen' })
    if (chance(0.02)) restart()
  }
}

/** One more metric, whose name runs past its end: nothing of the message can be read but what it is called. */
function spoil(payload: Uint8Array): Uint8Array {
  return Buffer.concat([payload, Buffer.from([0x12, 0x02, 0x0a, 0x7f])])
}
