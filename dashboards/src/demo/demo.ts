/**
 * The page over an invented ward, without devices, broker or store: `node dashboards/src/demo/demo.ts [port]`.
 * For looking at the page while it is built, and for its browser test.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWeb, type PipelineStatus, webConfig } from '@millrace/cloud-processor/web'
import type { AlarmRecord, CutCounts, ReadingsRecord } from '@millrace/contract'
import { type Clock, createMetrics, every, silentLog, systemClock } from '@millrace/contract/service'
import { buildDashboard } from '../build.ts'
import { createSignalStore, type Gap } from './signal-store.ts'
import { type DemoDevice, ward } from './ward.ts'

const historyMs = 6 * 3_600_000
const flushMs = 100

export interface Demo {
  url: string
  /** Stops one device's readings with a reason, or lets them flow again. */
  absent(device: string, reason: 'probe-off' | 'unplugged' | undefined): void
  raise(alarm: AlarmRecord): void
  close(): Promise<void>
}

export async function startDemo(port = 0, clock: Clock = systemClock): Promise<Demo> {
  const startMs = clock.now() - historyMs
  const now = () => clock.now()
  const gaps = pastGaps(now())
  const silent = new Set(['pump-2', 'thermometer-7'])
  const alarms = new Map<string, AlarmRecord>()
  const staticDir = mkdtempSync(join(tmpdir(), 'millrace-page-'))
  await buildDashboard(staticDir)

  const web = await createWeb({
    config: webConfig.parse({ port }),
    store: createSignalStore({ startMs, now, gaps, ledger: () => ward.map((one) => ledgerRow(one, now() - startMs)) }),
    log: silentLog,
    metrics: createMetrics(),
    clock,
    controls: {
      async append(control) {
        const alarm = control.type === 'acknowledge' ? alarms.get(control.alarm) : undefined
        if (!alarm || control.type !== 'acknowledge') return
        const { by, note } = control
        raise({ ...alarm, change: 'acknowledged', acknowledged: true, by, note, atMs: now(), acknowledgedMs: now() })
      },
    },
    status: () => status(now(), startMs),
    staticDir,
  })
  const raise = (alarm: AlarmRecord) => {
    alarms.set(alarm.id, alarm)
    web.onAlarms([alarm])
  }

  const absent: Demo['absent'] = (device, reason) => {
    const { subject } = ward.find((one) => one.device === device)!
    const open = gaps.find((gap) => gap.device === device && gap.toMs === undefined)
    if (open) open.toMs = now()
    if (reason === undefined) {
      silent.delete(device)
      return
    }
    silent.add(device)
    gaps.push({ device, reason, fromMs: now() })
    web.onTimeline([{ f: 1, k: 'gap', subject, device, reason, fromMs: now() }])
  }

  for (const { device, subject, node } of ward) {
    web.onTimeline([{ f: 1, k: 'birth', subject, device, node, atMs: now(), reason: 'started' }])
  }
  for (const device of ['oximeter-1', 'oximeter-2', 'oximeter-3', 'patch-4']) silent.delete(device)
  absent('oximeter-3', 'probe-off')
  web.onTimeline([{ f: 1, k: 'death', subject: 'pump-2', device: 'pump-2', node: 'plant', atMs: now(), reason: 'unplugged' }])
  for (const alarm of firstAlarms(now())) raise(alarm)

  let sentTo = now() - 2000
  const stop = every(clock, flushMs, () => {
    const to = now() - 60
    web.onTimeline(ward.filter(({ device }) => !silent.has(device)).map((one) => readingsOf(one, sentTo, to)))
    sentTo = to
  })
  return {
    url: `http://127.0.0.1:${web.port}`,
    absent,
    raise,
    async close() {
      stop()
      await web.close()
      rmSync(staticDir, { recursive: true, force: true })
    },
  }
}

/** What a device measured in `from < t <= to`, on the grids of its channels. */
function readingsOf(one: DemoDevice, from: number, to: number): ReadingsRecord {
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

function pastGaps(now: number): Gap[] {
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

function ledgerRow({ device, node, channels }: DemoDevice, elapsedMs: number) {
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

function status(now: number, startMs: number): PipelineStatus {
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

export function demoAlarm(now: number, more: Partial<AlarmRecord> = {}): AlarmRecord {
  const common = {
    f: 1,
    k: 'alarm',
    rule: 'low-spo2',
    subject: 'Bed 2',
    device: 'oximeter-2',
    channel: 'spo2',
    priority: 'high',
  } as const
  const state = { change: 'raised', active: true, acknowledged: false, retrospective: false, technical: false } as const
  const text = 'SpO₂ 84 % below 88 % for 10 s'
  const raisedMs = more.raisedMs ?? now
  return {
    ...common,
    ...state,
    id: `low-spo2/oximeter-2/spo2/${raisedMs}`,
    atMs: raisedMs,
    raisedMs,
    value: 84,
    unit: '%',
    text,
    ...more,
  }
}

function firstAlarms(now: number): AlarmRecord[] {
  const pump = { rule: 'absent', subject: 'pump-2', device: 'pump-2', channel: 'flow', technical: true, value: undefined }
  const bed4 = { rule: 'fever', subject: 'Bed 4', device: 'patch-4', channel: 'temperature', unit: 'Cel' }
  return [
    demoAlarm(now - 75_000),
    demoAlarm(now - 240_000, {
      ...pump,
      id: 'absent/pump-2',
      priority: 'medium',
      raisedMs: now - 240_000,
      text: 'No reading for 60 s: unplugged',
    }),
    demoAlarm(now, {
      ...bed4,
      id: 'fever/patch-4',
      priority: 'low',
      raisedMs: now - 900_000,
      acknowledged: true,
      by: 'M. Okafor',
      note: 'paracetamol given',
      value: 37.6,
      text: 'Temperature 37.6 °C above 37.5 °C for 5 min',
    }),
    demoAlarm(now, {
      id: 'low-spo2/oximeter-1/spo2/1',
      subject: 'Bed 1',
      device: 'oximeter-1',
      raisedMs: now - 5_400_000,
      active: false,
      acknowledged: true,
      clearedMs: now - 5_310_000,
      by: 'A. Lindqvist',
      value: 86,
      text: 'SpO₂ 86 % below 88 % for 10 s',
    }),
  ]
}

if (import.meta.main) {
  const demo = await startDemo(Number(process.argv[2] ?? 8090))
  process.stdout.write(`Demo of the page: ${demo.url}/\n`)
  process.once('SIGINT', () => void demo.close().then(() => process.exit()))
}
