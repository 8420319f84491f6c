/** What the invented ward measures, misses and counts at a time. */
import type { PipelineStatus } from '@millrace/cloud-processor/web'
import type { CutCounts, ReadingsRecord } from '@millrace/contract'
import type { Gap } from './signal-store.ts'
import type { DemoDevice } from './ward.ts'

/** What a device measured in `from < t <= to`, on the grids of its channels. */
export function readingsOf(one: DemoDevice, from: number, to: number): ReadingsRecord {
  const { device, subject, channels } = one
  const record: ReadingsRecord = { f: 1, k: 'readings', subject, device, hist: false, receivedMs: to, channels: {}, waves: {} }
  for (const { name, kind, intervalMs = 1000 } of channels) {
    const first = Math.floor(from / intervalMs) + 1
    const last = Math.floor(to / intervalMs)
    if (last < first) continue
    const t = Array.from({ length: last - first + 1 }, (_, k) => (first + k) * intervalMs)
    if (kind === 'waveform') record.waves[name] = [{ t: t[0]!, i: intervalMs, v: t.map((at) => one.sample!(name, at)) }]
    else record.channels[name] = { t, v: t.map((at) => one.scalar(name, at)!) }
  }
  return record
}

export function pastGaps(now: number): Gap[] {
  const gap = (device: string, reason: 'probe-off' | 'link-down' | 'unplugged', agoS: number, forS: number) => ({
    device,
    reason,
    fromMs: now - agoS * 1000,
    toMs: now - (agoS - forS) * 1000,
  })
  return [
    gap('oximeter-1', 'probe-off', 420, 75),
    gap('oximeter-2', 'link-down', 1500, 300),
    gap('patch-4', 'link-down', 700, 120),
    { device: 'thermometer-7', reason: 'stalled', fromMs: now - 40_000 },
  ]
}

export function ledgerRow({ device, node, channels }: DemoDevice, elapsedMs: number) {
  const readings = Math.floor(elapsedMs / 1000) * channels.filter(({ kind }) => kind !== 'waveform').length
  const samples = channels.reduce(
    (sum, { kind, intervalMs }) => sum + (kind === 'waveform' ? Math.floor(elapsedMs / intervalMs!) : 0),
    0,
  )
  const filtered = Math.floor(readings * (device.startsWith('air') ? 0.62 : 0.18))
  const rejected = device === 'meter-1' ? 7 : 0
  const evicted = device === 'pump-2' ? 1200 : 0
  const collapsed = device === 'patch-4' ? 3 : 0
  const counts: CutCounts = {
    edge: {
      read: [readings, samples],
      filtered: [filtered, 0],
      rejected: [rejected, 0],
      evicted: [evicted, 0],
      frames: [readings, 2],
    },
    evicted: [evicted, 0],
    rejected: [0, 0],
    forwarded: [0, 0],
    ahead: [channels.length * 2, 12],
  }
  const stored: [number, number] = [readings - filtered - rejected - evicted - collapsed, samples]
  const rest = {
    stream: 'demo0001',
    through: 1,
    closed: false,
    collapsed: [collapsed, 0] as [number, number],
    expired: [0, 0] as [number, number],
  }
  return { node, device, counts, stored, difference: [0, 0] as [number, number], ...rest }
}

export function status(now: number, startMs: number): PipelineStatus {
  const sent = Math.floor((now - startMs) / 100)
  const backlog = Math.max(0, Math.round(4200 - ((now / 25) % 5200)))
  const stage = (name: string, lagRecords: number, lagMs: number) => ({ name, lagRecords, lagMs, received: sent, sent })
  return {
    stages: [stage('prepare', 2, 8), stage('rules', 3, 12), stage('store', 14, 46)],
    bridge: {
      ...{ connected: true, receivedPerS: 61.4, heldHistorical: backlog > 0 ? 12 : 0, credit: 262_144 },
      ...{ isBehind: false, backlogBytesPerS: backlog > 0 ? 16_480 : 0, backlogBytesPerSMin: 262_144 },
    },
    nodes: [
      { node: 'ward-a', online: true, backlogRows: 0, backlogBytes: 0 },
      { node: 'ward-b', online: true, backlogRows: backlog, backlogBytes: backlog * 412 },
      { node: 'plant', online: true, backlogRows: 3, backlogBytes: 1290 },
    ],
    log: { id: 'q7r2m4k9x1', bytes: 48_211_000 + sent * 40 },
    readingsPerS: 24.6,
    latencyMs: 142,
  }
}
