/**
 * From the sensor's byte on the line to the webhook received, at 5,000 scalar readings a second; then the same while a backlog
 * drains, which must not page.
 *
 *     node test/e2e/latency.ts [--quick] [--profile]
 *
 * An alarm is due at each moment when SpO2 of one of the watched oximeters goes below a limit that the simulated noise crosses
 * some times a minute; there is no delay. The link is cut until the outbox holds a million readings (`--quick`: for 15 s).
 * Wall clocks of one machine are compared, so no clock can be off. `--profile` lets each process write a CPU profile.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PipelineStatus } from '@millrace/cloud-processor/web'
import { readArguments } from '@millrace/platform'
import { type Manifest, readManifest } from '@millrace/simulators'
import { closingLine, openApi, printVerdict, type Running, up, verify, verifyDefaults } from 'millrace'
import { type AgentStatus, agentStatus } from '../support/agent-status.ts'
import { contention } from '../support/contention.ts'
import { cpuUse } from '../support/cpu-use.ts'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { type Delivery, openWebhookReceiver } from '../support/webhook-receiver.ts'
import { crossingsBelow, type Page, percentile, type Told, tell } from './latency-alarms.ts'

const { values: given } = readArguments(
  { call: 'npm run break -- latency' },
  { quick: { type: 'boolean', default: false }, profile: { type: 'boolean', default: false } },
)
const limits = { quietMs: 250, drainingMs: 500, drainS: 120, backlogReadings: 1_000_000, alarms: 200 }
/** The manifest lags so much, and an alarm on its way is not counted. */
const settleMs = 2000
/** By what a sample may be old and still page: the rules' own `staleMs`. */
const freshMs = 10_000
const limit = 97
const watched = ['oximeter-1*', 'oximeter-2*']
const isWatched = (device: string) => /^oximeter-[12]/.test(device)
const windowsMax = 3
const span = given.quick ? { warmS: 4, quietS: 15, cutS: 15, liveMoreS: 2 } : { warmS: 10, quietS: 75, cutS: 205, liveMoreS: 5 }

interface Times {
  /** Of the last quiet window, where the next begins only when the machine was too busy in this one. */
  quietMs: number
  quietEndMs: number
  /** How many times slower than alone the machine was in it, and while the backlog drained. */
  quietStretch: number
  drainStretch: number
  cutMs: number
  mendedMs: number
  connectedMs: number
  drainedMs: number
  endMs: number
}

type Alarms = ReturnType<typeof tell>

await program('latency', async (context) => {
  const receiver = await openWebhookReceiver()
  context.atEnd(receiver.close)
  const running = await start(context, receiver.url)
  const path = running.manifest()
  const alarmsSoFar = async () => {
    const manifest = await readManifest(path)
    return tell(crossingsBelow(manifest, 'spo2', limit, isWatched), receiver.deliveries.flatMap(pageOf))
  }
  const times = await play(context, running, alarmsSoFar)
  const verdict = await verify(openApi(running.url), [path], verifyDefaults)
  context.check(verdict.isWhole, `verify: ${closingLine(verdict)}`)
  if (!verdict.isWhole) context.say(printVerdict(verdict))
  const backlog = readingsBetween(await readManifest(path), times.cutMs, times.mendedMs)
  context.check(given.quick || backlog >= limits.backlogReadings, `${backlog} readings waited while the link was cut`)
  report(context, times, await alarmsSoFar())
})

async function start({ dir, say, atEnd }: Program, webhook: string): Promise<Running> {
  if (given.profile) {
    mkdirSync(join(dir, 'profiles'))
    process.env.NODE_OPTIONS = `--cpu-prof --cpu-prof-dir=${join(dir, 'profiles')}`
  }
  const rules = [{ name: 'spo2-low', channel: 'spo2', condition: 'below', set: limit, devices: watched }]
  const running = await up({ data: join(dir, 'data'), scenario: 'load', port: 0, webhook, rules }, say)
  atEnd(running.stop)
  return running
}

/** Quiet, cut, mended, drained, and a little longer. */
async function play({ dir, say, check }: Program, running: Running, alarmsSoFar: () => Promise<Alarms>): Promise<Times> {
  const use = cpuUse(running.pids())
  await seconds(span.warmS)
  const window = await quiet(use, say, alarmsSoFar)
  running.link.cut()
  const cutMs = Date.now()
  await seconds(span.cutS)
  say(`link cut: ${use.text()}`)
  const status = () => agentStatus(join(dir, 'data/agent'))
  const before = (await status())!
  say(`the outbox holds ${before.outbox.entries} entries, ${(before.outbox.bytes / 1e6).toFixed(1)} MB`)

  running.link.mend()
  const mendedMs = Date.now()
  const connected = await until('the agent connects again', async () => (await status())?.uplink.connected, { everyMs: 20 })
  check(connected, `connected again ${Date.now() - mendedMs} ms after the link was mended`)
  const connectedMs = Date.now()
  const drainStretch = await contention()
  const drained = await until('the backlog drains', () => isDrained(status), { withinMs: 4 * limits.drainS * 1000 })
  const drainedMs = Date.now()
  say(`draining: ${use.text()}; ${drained.uplink.resent} sent again`)
  await until('the store catches up', () => isStored(running.url), { withinMs: limits.drainS * 1000 })
  say(`the store has all of it ${((Date.now() - drainedMs) / 1000).toFixed(1)} s later`)
  await seconds(span.liveMoreS)
  return { ...window, drainStretch, cutMs, mendedMs, connectedMs, drainedMs, endMs: Date.now() }
}

/** A window of quiet; on a machine that others use too, up to two more. Resolves with the last. */
async function quiet(use: ReturnType<typeof cpuUse>, say: Program['say'], alarmsSoFar: () => Promise<Alarms>) {
  for (let left = windowsMax - 1; ; left--) {
    use.text()
    const quietMs = Date.now()
    const quietStretch = await stretchOver(span.quietS)
    const quietEndMs = Date.now() - settleMs
    const { told } = await alarmsSoFar()
    const alarms = told.filter(({ writtenMs }) => writtenMs >= quietMs && writtenMs < quietEndMs)
    say(`quiet:    ${describe(alarms)}; ${use.text()}`)
    if (left === 0 || percentile(latencies(alarms), 0.99) < limits.quietMs * quietStretch)
      return { quietMs, quietEndMs, quietStretch }
  }
}

/** What is young or in flight is not backlog. */
async function isDrained(status: () => Promise<AgentStatus | undefined>): Promise<AgentStatus | undefined> {
  const now = await status()
  return now && now.outbox.entries < 200 ? now : undefined
}

async function isStored(url: string): Promise<boolean> {
  const { stages } = (await (await fetch(new URL('/api/status', url))).json()) as PipelineStatus
  return stages.every(({ lagMs }) => lagMs < 1000)
}

function pageOf({ key, status, atMs }: Delivery): Page[] {
  const [, device, raised] = /^spo2-low\/([^/]+)\/spo2\/(\d+)/.exec(key) ?? []
  if (status !== 'firing' || device === undefined) return []
  return [{ device, raisedMs: Number(raised), isRetrospective: key.includes('/r#'), arrivedMs: atMs }]
}

function report({ check, say }: Program, times: Times, { told, continued, strangers }: ReturnType<typeof tell>): void {
  const between = (fromMs: number, toMs: number) => told.filter(({ writtenMs }) => writtenMs >= fromMs && writtenMs < toMs)
  const quiet = between(times.quietMs, times.quietEndMs)
  const draining = between(times.connectedMs, times.drainedMs)
  const after = between(times.drainedMs, times.endMs - settleMs)
  const enough = given.quick ? 20 : limits.alarms
  check(quiet.length >= enough, `${quiet.length} alarms in the quiet time`)
  judge('quiet', quiet, limits.quietMs, times.quietStretch)
  judge('while the backlog drains', draining, limits.drainingMs, times.drainStretch)
  say(`after it: ${describe(after)}`)
  const drainS = (times.drainedMs - times.mendedMs) / 1000
  check(
    drainS <= limits.drainS,
    `the backlog of ${((times.mendedMs - times.cutMs) / 1000).toFixed(0)} s drained in ${drainS.toFixed(1)} s`,
  )

  // The manifest is written once a second: what came after the end may not be in it.
  const unexplained = strangers.filter(({ raisedMs }) => raisedMs < times.endMs)
  const pages = [...told.flatMap(({ page }) => page ?? []), ...continued, ...strangers]
  check(
    unexplained.length === 0,
    `${unexplained.length} pages without a reason in the manifest; ${continued.length} for what began unseen and went on`,
  )
  check(!pages.some(({ isRetrospective }) => isRetrospective), 'no page is retrospective')
  const oldest = Math.max(...pages.map(({ arrivedMs, raisedMs }) => arrivedMs - raisedMs))
  check(oldest < freshMs, `the oldest page was ${oldest} ms old`)
  const fromBacklog = between(times.cutMs, times.mendedMs - freshMs).filter(({ page }) => page)
  check(
    fromBacklog.length === 0,
    `${fromBacklog.length} pages from the backlog, which had ${between(times.cutMs, times.mendedMs).length} crossings`,
  )

  function judge(when: string, alarms: Told[], msMax: number, stretch: number): void {
    const missing = alarms.filter(({ page }) => !page)
    check(missing.length === 0, `${when}: every alarm was told; missing ${missing.length}`)
    const isQuickEnough = percentile(latencies(alarms), 0.99) < msMax * stretch
    check(isQuickEnough, `${when}: ${describe(alarms)}; p99 below ${msMax} ms, times ${stretch.toFixed(1)} for a shared machine`)
  }
}

function describe(alarms: Told[]): string {
  const all = latencies(alarms)
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((part) => percentile(all, part))
  return `${all.length} alarms, p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, most ${Math.max(...all)} ms`
}

function readingsBetween({ scalars }: Manifest, fromMs: number, toMs: number): number {
  let count = 0
  for (const channels of scalars.values())
    for (const { t } of channels.values()) for (const at of t) if (at >= fromMs && at < toMs) count++
  return count
}

function latencies(alarms: Told[]): number[] {
  return alarms.flatMap(({ latencyMs }) => latencyMs ?? [])
}

/** The mean of some looks, far enough apart to disturb nothing. */
async function stretchOver(wholeS: number): Promise<number> {
  const looks = 3
  let sum = 0
  for (let k = 0; k < looks; k++) {
    await seconds(wholeS / looks)
    sum += await contention()
  }
  return sum / looks
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000))
}
