/**
 * The page over an invented ward, without devices, broker or store: `node dashboards/src/demo/demo.ts [port]`.
 * For looking at the page while it is built, and for its browser test.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWeb, type Web, type WebOptions, webConfig } from '@millrace/cloud-processor/web'
import type { AlarmRecord } from '@millrace/contract'
import { type Clock, createMetrics, every, silentLog, systemClock } from '@millrace/platform'
import { buildDashboard } from '../build.ts'
import { firstAlarms } from './alarms.ts'
import { ledgerRow, pastGaps, readingsOf, status } from './records.ts'
import { createSignalStore, type Gap } from './signal-store.ts'
import { ward } from './ward.ts'

type Control = Parameters<WebOptions['controls']['append']>[0]

const historyMs = 6 * 3_600_000
const flushMs = 100

export interface Demo {
  url: string
  /** What the page ordered. */
  orders: Control[]
  /** Stops one device's readings with a reason, or lets them flow again. */
  absent(device: string, reason: 'probe-off' | 'unplugged' | undefined): void
  raise(alarm: AlarmRecord): void
  close(): Promise<void>
}

/** @param people where people have to log in */
export async function startDemo(port = 0, clock: Clock = systemClock, people?: WebOptions['people']): Promise<Demo> {
  const startMs = clock.now() - historyMs
  const staticDir = mkdtempSync(join(tmpdir(), 'millrace-page-'))
  await buildDashboard(staticDir)
  const demo = new RunningWard(clock)
  const web = await createWeb({
    config: webConfig.parse({ port }),
    store: createSignalStore({
      ...{ startMs, now: () => clock.now(), gaps: demo.gaps },
      ledger: () => ward.map((one) => ledgerRow(one, clock.now() - startMs)),
    }),
    log: silentLog,
    metrics: createMetrics(),
    clock,
    controls: { append: async (control) => demo.obey(control) },
    status: () => status(clock.now(), startMs),
    staticDir,
    ...(people ? { people } : {}),
  })
  const stop = demo.begin(web)
  return {
    url: `http://127.0.0.1:${web.port}`,
    absent: (device, reason) => demo.absent(device, reason),
    raise: (alarm) => demo.raise(alarm),
    orders: demo.orders,
    async close() {
      stop()
      await web.close()
      rmSync(staticDir, { recursive: true, force: true })
    },
  }
}

class RunningWard {
  readonly gaps: Gap[]
  /** What the page ordered. */
  readonly orders: Control[] = []
  readonly #clock: Clock
  readonly #silent = new Set(['pump-2', 'thermometer-7'])
  readonly #alarms = new Map<string, AlarmRecord>()
  #web!: Web

  constructor(clock: Clock) {
    this.#clock = clock
    this.gaps = pastGaps(clock.now())
  }

  /** Tells the page what there is, and from then on what is measured; returns the end of it. */
  begin(web: Web): () => void {
    this.#web = web
    const atMs = this.#clock.now()
    for (const { device, subject, node } of ward)
      web.onTimeline([{ f: 1, k: 'birth', subject, device, node, atMs, reason: 'started' }])
    this.absent('oximeter-3', 'probe-off')
    web.onTimeline([{ f: 1, k: 'death', subject: 'pump-2', device: 'pump-2', node: 'plant', atMs, reason: 'unplugged' }])
    for (const alarm of firstAlarms(atMs)) this.raise(alarm)
    return this.#measure(web)
  }

  absent(device: string, reason: 'probe-off' | 'unplugged' | undefined): void {
    const fromMs = this.#clock.now()
    const open = this.gaps.find((gap) => gap.device === device && gap.toMs === undefined)
    if (open) open.toMs = fromMs
    if (reason === undefined) return void this.#silent.delete(device)
    const { subject } = ward.find((one) => one.device === device)!
    this.#silent.add(device)
    this.gaps.push({ device, reason, fromMs })
    this.#web.onTimeline([{ f: 1, k: 'gap', subject, device, reason, fromMs }])
  }

  raise(alarm: AlarmRecord): void {
    this.#alarms.set(alarm.id, alarm)
    this.#web.onAlarms([alarm])
  }

  obey(control: Control): void {
    this.orders.push(control)
    const alarm = control.type === 'acknowledge' ? this.#alarms.get(control.alarm) : undefined
    if (!alarm || control.type !== 'acknowledge') return
    const { by, note } = control
    const atMs = this.#clock.now()
    this.raise({ ...alarm, change: 'acknowledged', acknowledged: true, by, note, atMs, acknowledgedMs: atMs })
  }

  #measure(web: Web): () => void {
    let sentTo = this.#clock.now() - 2000
    return every(this.#clock, flushMs, () => {
      const to = this.#clock.now() - 60
      web.onTimeline(ward.filter(({ device }) => !this.#silent.has(device)).map((one) => readingsOf(one, sentTo, to)))
      sentTo = to
    })
  }
}

if (import.meta.main) {
  const demo = await startDemo(Number(process.argv[2] ?? 8090))
  process.stdout.write(`Demo of the page: ${demo.url}/\n`)
  process.once('SIGINT', () => void demo.close().then(() => process.exit()))
}
