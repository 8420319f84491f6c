/** For the tests of this folder: a small ward held in memory behind the store's interface, and plain HTTP with any headers. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { ruleFileSchema } from '@millrace/alarms'
import type { AlarmRecord, Channel, Control, ReadingsRecord } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import type { LedgerRow, StoreReader } from '../../stores/store.ts'
import { createWeb, type PipelineStatus, type WebOptions, webConfig } from '../index.ts'

export const startMs = Date.UTC(2026, 10, 22, 9)

export const spo2Rules = ruleFileSchema.parse({
  rules: [{ name: 'spo2-low', channel: 'spo2', condition: 'below', set: 88, clear: 90, priority: 'high' }],
})

export const channels: Channel[] = [
  { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', intervalMs: 1000 },
  { name: 'temperature', kind: 'number', datatype: 'Int16', unit: 'Cel', scale: 0.1, intervalMs: 1000 },
  { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 },
]

const status: PipelineStatus = {
  stages: [{ name: 'prepare', lagRecords: 3, lagMs: 12, received: 100, sent: 90 }],
  bridge: {
    connected: true,
    receivedPerS: 10,
    heldHistorical: 0,
    credit: 65_536,
    isBehind: false,
    backlogBytesPerS: 0,
    backlogBytesPerSMin: 1024,
  },
  nodes: [{ node: 'gateway-1', online: true, backlogRows: 4, backlogBytes: 900 }],
  log: { id: 'log-a', bytes: 4096 },
  readingsPerS: 20,
}

export function ledgerRow(device: string, difference = 0): LedgerRow {
  const edge = {
    read: [100, 50],
    filtered: [10, 0],
    rejected: [2, 0],
    evicted: [9, 9],
    frames: [100, 2],
  } as LedgerRow['counts']['edge']
  const counts: LedgerRow['counts'] = { edge, evicted: [5, 0], rejected: [1, 0], forwarded: [82, 50], ahead: [4, 0] }
  const stored: [number, number] = [81 - difference, 50]
  return {
    node: 'gateway-1',
    device,
    stream: 's1',
    through: 9,
    closed: false,
    counts,
    stored,
    collapsed: [1, 0],
    expired: [0, 0],
    difference: [difference, 0],
  }
}

/** An hour of `oximeter-1`, one reading a second. */
export function hourStore(ledger: LedgerRow[] = [ledgerRow('oximeter-1')]): StoreReader {
  const points = Array.from({ length: 3600 }, (_, k) => ({ t: startMs + k * 1000, v: 900 + (k % 100) }))
  const segments = Array.from({ length: 3600 }, (_, k) => ({
    t: startMs + k * 1000,
    i: 10,
    v: Array.from({ length: 100 }, (_, n) => n),
  }))
  return {
    refresh: async () => {},
    devices: async () => [{ device: 'oximeter-1', subject: 'bed-1', node: 'gateway-1', channels }],
    async points({ fromMs: from, toMs: to }, limit = Number.POSITIVE_INFINITY) {
      const found = points.filter(({ t }) => t >= from && t <= to).slice(0, limit)
      return { t: found.map(({ t }) => t), v: found.map(({ v }) => v) }
    },
    segments: async ({ fromMs: from, toMs: to }, limit = Number.POSITIVE_INFINITY) =>
      segments.filter(({ t }) => t + 990 >= from && t <= to).slice(0, limit),
    async rollUp({ fromMs: from, toMs: to }, stepMs) {
      const result = { t: [], count: [], min: [], max: [], sum: [], last: [] } as Record<string, number[]>
      for (let t = from; t < to; t += stepMs) {
        const v = points.filter((point) => point.t >= t && point.t < t + stepMs).map((point) => point.v)
        if (v.length === 0) continue
        const row = {
          t,
          count: v.length,
          min: Math.min(...v),
          max: Math.max(...v),
          sum: v.reduce((a, b) => a + b),
          last: v.at(-1)!,
        }
        for (const [name, value] of Object.entries(row)) result[name]!.push(value)
      }
      return result as unknown as Awaited<ReturnType<StoreReader['rollUp']>>
    },
    corrections: async () => [],
    gaps: async () => [
      { device: 'oximeter-1', channel: 'spo2', reason: 'probe-off', fromMs: startMs + 5000, toMs: startMs + 9000 },
    ],
    events: async (from, to, limit = 10) =>
      [{ device: 'oximeter-1', atMs: startMs, level: 'warn' as const, code: 'BUS_UNPLUGGED', text: 'unplugged' }]
        .filter(({ atMs }) => atMs >= from && atMs <= to)
        .slice(0, limit),
    ledger: async () => ledger,
    totals: async () => ({
      'oximeter-1': { stored: [3600, 0], collapsed: [0, 0], expired: [0, 0], firstMs: startMs, lastMs: startMs + 3_599_000 },
    }),
  }
}

export async function startWeb(changes: Partial<WebOptions> & { set?: Record<string, unknown> } = {}) {
  const { set, ...options } = changes
  const appended: Control[] = []
  const metrics = createMetrics()
  const web = await createWeb({
    config: webConfig.parse({ port: 0, flushMs: 20, ...set }),
    store: hourStore(),
    log: silentLog,
    metrics,
    clock: systemClock,
    controls: { append: async (control) => void appended.push(control) },
    status: () => status,
    ...options,
  })
  const url = `http://127.0.0.1:${web.port}`
  const json = async <T>(path: string) => (await (await fetch(url + path)).json()) as T
  return { web, url, json, appended, metrics }
}

export function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  return new Promise<{ code: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const { method = 'GET', headers, body } = options
    const sent = request({ host: '127.0.0.1', port, path, method, headers: { connection: 'close', ...headers } }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ code: response.statusCode!, headers: response.headers, body: text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export function readings(t: number, spo2: number, more: Partial<ReadingsRecord> = {}): ReadingsRecord {
  const channels = { spo2: { t: [t], v: [spo2] } }
  return { f: 1, k: 'readings', subject: 'bed-1', device: 'oximeter-1', hist: false, receivedMs: t, channels, waves: {}, ...more }
}

export function alarm(more: Partial<AlarmRecord> = {}): AlarmRecord {
  return {
    f: 1,
    k: 'alarm',
    id: 'low-spo2/oximeter-1/spo2/1',
    rule: 'low-spo2',
    subject: 'bed-1',
    device: 'oximeter-1',
    channel: 'spo2',
    priority: 'high',
    change: 'raised',
    active: true,
    acknowledged: false,
    retrospective: false,
    technical: false,
    atMs: startMs,
    raisedMs: startMs,
    value: 84,
    unit: '%',
    text: 'SpO2 84 % below 88 %',
    ...more,
  }
}

/** Reads server-sent events; `next(name)` waits for the next of that name. */
export async function watch(url: string, headers: Record<string, string> = {}) {
  const abort = new AbortController()
  const response = await fetch(url, { signal: abort.signal, headers })
  const events: { name: string; data: unknown }[] = []
  const waiting: (() => void)[] = []
  const ended = (async () => {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk, { stream: true })
      const parts = text.split('\n\n')
      text = parts.pop()!
      for (const part of parts) {
        const match = /^event: (\w+)\ndata: (.*)$/s.exec(part)
        if (match) events.push({ name: match[1]!, data: JSON.parse(match[2]!) })
      }
      for (const wake of waiting.splice(0)) wake()
    }
  })().catch(() => {})
  return {
    response,
    events,
    /** When it was closed, by whom ever. */
    ended,
    async next<T>(name: string): Promise<T> {
      for (;;) {
        const at = events.findIndex((event) => event.name === name)
        if (at >= 0) return events.splice(at, 1)[0]!.data as T
        await new Promise<void>((wake) => waiting.push(wake))
      }
    },
    close: () => abort.abort(),
  }
}
