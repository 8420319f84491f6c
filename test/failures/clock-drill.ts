/**
 * `node test/failures/clock-drill.ts [--quick]`
 *
 * The wall clocks of an agent and of the processor, real processes both, are set a year ahead, three hours back and a day
 * ahead, and right again; then each is started again while its clock is wrong. Live alarms are due before, during and after.
 * A jump of some seconds leaves no trace; after a start with a wrong clock alarms are live within a minute of its being right.
 * The list says what was raised, when, what was told and what was rejected. `--quick`: one jump each, one start of the processor.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readArguments } from '@millrace/platform'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { openWebhookReceiver } from '../support/webhook-receiver.ts'
import { openGps } from './clock-drill/gps.ts'
import { clockAlarms, clockEvents, type Due, isOnTime, lineOf, rejectedCount, rejections, tell } from './clock-drill/list.ts'
import { type Drilled, startSystem } from './clock-drill/system.ts'

const { values: given } = readArguments({ call: 'npm run break -- clock-jumps' }, { quick: { type: 'boolean', default: false } })
const hourMs = 3_600_000
const wrongs = [
  { name: '+1 year', ms: 365 * 24 * hourMs },
  { name: '-3 h', ms: -3 * hourMs },
  { name: '+1 day', ms: 24 * hourMs },
]
const healedWithinMs = 60_000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

await program('clock-drill', async (context) => {
  const { atEnd, check, say } = context
  const gps = await openGps()
  atEnd(() => gps.close())
  const webhook = await openWebhookReceiver()
  atEnd(() => webhook.close())
  const { agent, processor, api, configFile } = await startSystem(context, gps.port, webhook.url)
  const drilled: [string, Drilled][] = [
    ['processor', processor],
    ['agent', agent],
  ]
  /** Those that must be live and on time, and those of the time in which a clock was wrong from a start on. */
  const due: Due[] = []
  const dueWrong: Due[] = []

  const alarm = async (when: string, list = due) => void list.push({ when, ...(await gps.alarm()) })
  const isLive = async ({ when, speed, atMs }: Due) =>
    isOnTime((await tell(api, [{ when, speed, atMs }], webhook.deliveries))[0]!)

  await until('readings arrive', async () => (await api.fleet()).some(({ device }) => device === 'gps'))
  await pause(2000)
  await alarm('before')
  for (const wrong of given.quick ? wrongs.slice(0, 1) : wrongs) for (const [name, one] of drilled) await jump(name, one, wrong)
  const rejectedSoFar = await rejections(api)
  check(rejectedSoFar.length === 0, `jumps for six seconds: rejected ${rejectedSoFar.join('; ') || 'nothing'}`)
  for (const wrong of given.quick ? wrongs.slice(0, 1) : wrongs)
    for (const [name, one] of given.quick ? drilled.slice(0, 1) : drilled) await startWrong(name, one, wrong)

  async function jump(name: string, { clock }: Drilled, { name: by, ms }: (typeof wrongs)[number]): Promise<void> {
    say(`${name} ${by} for six seconds`)
    clock.set(ms)
    await pause(3000)
    await alarm(`${name} ${by}, during`)
    await pause(2000)
    clock.set(0)
    await pause(1000)
    await alarm(`${name} ${by}, after`)
    await pause(1000)
  }

  /** Alarms are due every few seconds after the clock is right, until one is live. */
  async function startWrong(name: string, { clock, process }: Drilled, { name: by, ms }: (typeof wrongs)[number]): Promise<void> {
    say(`${name} started again at ${by}`)
    const rejectedBefore = await rejectedCount(api)
    await process.stop()
    clock.set(ms)
    await process.start()
    await pause(8000)
    await alarm(`${name} started at ${by}, during`, dueWrong)
    await pause(2000)
    clock.set(0)
    const healedMs = await healed(`${name} started at ${by}`)
    const isInTime = healedMs <= healedWithinMs
    check(isInTime, `${name} started at ${by}: alarms live ${seconds(healedMs)} s after the clock was right`)
    const rejected = (await rejectedCount(api)) - rejectedBefore
    if (name === 'processor') check(rejected === 0, `processor started at ${by}: ${rejected} right readings rejected`)
    else say(`agent started at ${by}: ${rejected} readings rejected`)
    await alarm(`${name} started at ${by}, afterwards`)
    await pause(1000)
  }

  /** Due time of the first alarm that was live, from now on; infinity when none was. */
  async function healed(when: string): Promise<number> {
    const startMs = performance.now()
    for (;;) {
      const atMs = performance.now() - startMs
      if (atMs > 2 * healedWithinMs) return Number.POSITIVE_INFINITY
      await alarm(`${when}, ${seconds(atMs)} s after it was right`, dueWrong)
      await pause(1500)
      if (await isLive(dueWrong.at(-1)!)) return atMs
      await pause(1500)
    }
  }

  await pause(2000)
  const told = await tell(api, due, webhook.deliveries)
  const toldWrong = await tell(api, dueWrong, webhook.deliveries)
  say('due while clocks were right or jumped for some seconds:')
  for (const one of told) say(`  ${lineOf(one)}`)
  say('due while a clock was wrong from a start on, and until alarms were live again:')
  for (const one of toldWrong) say(`  ${lineOf(one)}`)
  say('alarms about clocks:')
  for (const line of await clockAlarms(api)) say(`  ${line}`)
  say('events:')
  for (const line of await clockEvents(api)) say(`  ${line}`)
  say('rejected:')
  for (const line of await rejections(api)) say(`  ${line}`)
  const late = told.filter((one) => !isOnTime(one))
  check(
    late.length === 0,
    `${told.length} alarms that had to be live and on time: ${late.length} were not${late.map(({ when }) => `; ${when}`).join('')}`,
  )
  const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))
  const replayed = await promisify(execFile)(process.execPath, [
    cli,
    'replay',
    'check',
    '--url',
    api.url,
    '--config',
    configFile,
  ]).catch((error) => error)
  check(replayed.code === undefined, `a replay makes the same: ${`${replayed.stdout}`.trim().replaceAll('\n', '; ')}`)
})

function seconds(ms: number): string {
  return (ms / 1000).toFixed(0)
}
