/**
 * What the processes of a running installation say on /metrics, put into VictoriaMetrics as a scraper would. Faults that did not
 * happen in its short life have no series yet: those are counted by hand, and told.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { createMetrics } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { up } from 'millrace'
import type { Program } from '../program.ts'
import { realProcess } from '../real-process.ts'
import { openWebhookReceiver } from '../webhook-receiver.ts'

export interface InstallationMetrics {
  fromMs: number
  toMs: number
  scrapes: number
  /** Names of metrics. */
  invented: string[]
}

interface Scraped {
  job: string
  port: number
}

const scrapeEveryMs = 2000
const runForMs = 40_000

/** Six beds are three here; the link is cut, and a patient desaturates. */
const scenario = {
  name: 'short',
  seed: 1,
  devices: [
    { kind: 'contec-cms50', name: 'bed', count: 3 },
    { kind: 'openbci-cyton', name: 'ecg' },
  ],
  story: [
    { atS: 3, event: 'desaturate', device: 'bed-3', durationS: 30, toPercent: 80 },
    { atS: 6, event: 'garbage', device: 'bed-2', bytes: 40 },
    { atS: 10, event: 'link-cut', durationS: 6 },
  ],
}

/** Counters of what goes wrong, with the labels that the code gives them. */
const faults: { job: string; metric: string; labels: Record<string, string> }[] = [
  { job: 'agent', metric: 'millrace_outbox_readings_evicted_total', labels: {} },
  { job: 'agent', metric: 'millrace_outbox_storage_failures_total', labels: { code: 'OUTBOX_DISK_FULL' } },
  { job: 'agent', metric: 'millrace_uplink_set_aside_total', labels: {} },
  { job: 'broker', metric: 'millrace_broker_dropped_total', labels: { reason: 'slow-subscriber' } },
  { job: 'processor', metric: 'millrace_bridge_dropped_total', labels: { reason: 'historical-held' } },
  { job: 'processor', metric: 'millrace_rejected_total', labels: { at: 'prepare', reason: 'PAYLOAD_BAD' } },
  { job: 'processor', metric: 'millrace_sink_errors_total', labels: { sink: 'store' } },
  { job: 'processor', metric: 'millrace_stage_errors_total', labels: { stage: 'rules' } },
  { job: 'processor', metric: 'millrace_store_refused_total', labels: { reason: 'STORE_POINT_REFUSED' } },
]

export async function installationMetrics(context: Program, store: string): Promise<InstallationMetrics> {
  const receiver = await openWebhookReceiver()
  context.atEnd(() => receiver.close())
  const targets = await start(context, store, receiver.url)
  const fromMs = Date.now()
  let scrapes = 0
  const seen = new Set<string>()
  while (Date.now() - fromMs < runForMs) {
    const texts = await Promise.all(targets.map(async (target) => ({ ...target, text: await scrape(target) })))
    for (const { job, port, text } of texts) {
      for (const [, name] of text.matchAll(/^(\w+)(?:\{[^\n]*\})? \S+$/gm)) seen.add(name!)
      await put(store, job, port, text)
    }
    const missing = faults.filter(({ metric }) => !seen.has(metric))
    for (const target of targets) await put(store, target.job, target.port, invent(missing, target.job, scrapes))
    scrapes++
    await new Promise((resolve) => setTimeout(resolve, scrapeEveryMs))
  }
  await fetch(`${store}/internal/force_flush`)
  return { fromMs, toMs: Date.now(), scrapes, invented: faults.map(({ metric }) => metric).filter((metric) => !seen.has(metric)) }
}

/** `millrace up` on the same engine, and a broker of its own, since that of `up` keeps its metrics to itself. */
async function start({ dir, atEnd, say }: Program, store: string, webhook: string): Promise<Scraped[]> {
  const [agent, processor, broker] = [await freePort(), await freePort(), await freePort()]
  mkdirSync(join(dir, 'installation'))
  writeFileSync(join(dir, 'scenario.yaml'), JSON.stringify(scenario))
  const running = await up(
    {
      data: join(dir, 'installation'),
      port: 0,
      scenario: join(dir, 'scenario.yaml'),
      webhook,
      agent: { metrics: { port: agent } },
      processor: { metrics: { port: processor }, store: { kind: 'influxdb', dialect: 'victoriametrics', url: store } },
    },
    say,
  )
  atEnd(() => running.stop())
  const users = join(dir, 'users')
  await addUser(users, { name: 'processor', password: 'not used by anybody', role: 'host', args: ['millrace'] })
  writeFileSync(
    join(dir, 'broker.yaml'),
    JSON.stringify({ listen: { port: await freePort() }, users, metrics: { port: broker } }),
  )
  const other = realProcess({
    name: 'broker',
    command: process.execPath,
    args: [fileURLToPath(import.meta.resolve('@millrace/broker/main')), 'run', '--config', join(dir, 'broker.yaml')],
    readyWhen: /"listening"/,
    logFile: join(dir, 'broker.log'),
    onUnexpectedEnd: (how) => say(`the broker ended: ${how}`),
  })
  await other.start()
  atEnd(() => other.stop())
  return [
    { job: 'agent', port: agent },
    { job: 'processor', port: processor },
    { job: 'broker', port: broker },
  ]
}

async function scrape({ port }: Scraped): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
}

function invent(missing: typeof faults, job: string, count: number): string {
  const metrics = createMetrics()
  for (const { metric, labels } of missing.filter((fault) => fault.job === job))
    metrics.counter(metric, metric).add(labels, count)
  return metrics.expose()
}

async function put(store: string, job: string, port: number, text: string): Promise<void> {
  const labels = [`job=millrace-${job}`, `instance=127.0.0.1:${port}`].map((label) => `extra_label=${label}`).join('&')
  const answer = await fetch(`${store}/api/v1/import/prometheus?timestamp=${Date.now()}&${labels}`, {
    method: 'POST',
    body: text,
  })
  if (!answer.ok) throw new Error(`VictoriaMetrics does not take metrics: ${answer.status} ${await answer.text()}`)
}
