/**
 * `node test/failures/clocks.ts`
 *
 * Gateways whose clocks are wrong, each a real agent under libfaketime, and a plain device that stamps local summer time, all on one
 * broker and processor. Each source says when it measured what, by the true time. The table has for each case how far off its stamps
 * were, how far off its stored readings are, and the alarms that were raised although nothing was due.
 */
import { readArguments } from '@millrace/platform'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { cases, startCase } from './clocks/cases.ts'
import { startInstallation } from './clocks/installation.ts'
import { judge, lineOf, raisedAlarms } from './clocks/judge.ts'

const medianMsMax = 50
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

readArguments({ call: 'npm run break -- clocks' }, {})

await program('clocks', async (context) => {
  const { check, say } = context
  const installation = await startInstallation(
    context,
    cases.map(({ name }) => name),
  )
  const started = await Promise.all(cases.map((one) => startCase(context, installation, one)))
  await Promise.all(started.map(({ run }) => run()))
  say('every clock went its way; an alarm is due in each case')
  const wrong = await raisedAlarms(installation.api)
  await Promise.all(started.map(({ source }) => source.alarm()))
  for (const { source } of started) source.stop()
  // What is missing then the table says.
  const areStored = async () => (await Promise.all(started.map((one) => one.isStored()))).every(Boolean)
  await until('the readings are stored', areStored, { withinMs: 20_000 }).catch(() => {})
  await pause(1000)
  const due = (await raisedAlarms(installation.api)).slice(wrong.length)
  say(
    `  ${'case'.padEnd(34)}${['readings', 'before', 'median', 'max', 'wrong alarms'].map((head) => head.padStart(14)).join('')}`,
  )
  for (const one of started) {
    const told = await judge(installation.api, one, wrong)
    say(`  ${lineOf(told)}`)
    const { name, stored, sent, medianMs } = told
    check(medianMs < medianMsMax, `${name}: median error ${medianMs.toFixed(0)} ms after correction`)
    check(stored === sent, `${name}: ${stored} of ${sent} readings stored`)
    check(told.wrong === 0, `${name}: ${told.wrong} alarms raised wrongly`)
    const live = due.filter(({ device, rule, retrospective }) => device === one.device && rule === 'high' && !retrospective)
    check(live.length === 1, `${name}: the alarm that was due was raised live ${live.length} times`)
  }
  const technical = (await raisedAlarms(installation.api)).filter(({ rule }) => rule !== 'high')
  check(technical.length === 0, `alarms about clocks and silence: ${technical.map(({ text }) => text).join('; ') || 'none'}`)
})
