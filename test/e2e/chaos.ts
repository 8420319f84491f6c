/**
 * `npm run break -- chaos [--seconds 60] [--broker millrace|mosquitto] [--seed n] [--bug name] [--keep]
 *                   [--log embedded|kafka] [--store victoria-metrics|embedded] [--processors 3] [--faults kind,kind]`
 *
 * Real processes, real pseudo-terminals, faults that overlap, and quiet windows of 10 s in which the ledger must close. An
 * observer that is never killed knows what was produced, committed, receipted, stored and notified; at the end all of it is
 * compared, value for value. With `--bug` one of chaos/bugs.ts is planted, and the program succeeds when it was caught.
 *
 * With `--log kafka` several processors share a log on a real Kafka, with VictoriaMetrics as their store, and these are broken as
 * well: Kafka and the store killed, stopped and filled, processors that die together, are zombies, come and go. `--faults` lets
 * only the named kinds strike, to find out which of them does harm.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { CannotRun, program } from '../support/program.ts'
import type { BrokerKind } from './chaos/brokers.ts'
import { type Bug, bugs, type PlantedBug } from './chaos/bugs.ts'
import { watchBusy } from './chaos/busy.ts'
import { checkEverything, type Finding } from './chaos/checks/checks.ts'
import { raiseDeadSensors } from './chaos/dead-sensors.ts'
import type { StoreKind } from './chaos/engines.ts'
import { createFaults } from './chaos/faults.ts'
import { watchFreshness } from './chaos/freshness.ts'
import { type Ear, startInstallation } from './chaos/installation.ts'
import { createLedgers, hear, observe, watchReceipts } from './chaos/observer.ts'
import { report } from './chaos/report.ts'
import { endQuietly, runRounds } from './chaos/rounds.ts'
import { makeSchedule } from './chaos/schedule.ts'

const { values } = readArguments(
  { call: 'npm run break -- chaos' },
  {
    seconds: { type: 'string', default: '60' },
    broker: { type: 'string', default: 'millrace' },
    seed: { type: 'string' },
    bug: { type: 'string' },
    keep: { type: 'boolean', default: false },
    log: { type: 'string', default: 'embedded' },
    store: { type: 'string', default: 'victoria-metrics' },
    processors: { type: 'string', default: '3' },
    faults: { type: 'string' },
  },
)
const seconds = Number(values.seconds)
const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const bug = values.bug as Bug | undefined
if (bug !== undefined && !(bug in bugs)) throw new Error(`--bug is one of ${Object.keys(bugs).join(', ')}`)
const shared = values.log === 'kafka' ? { store: values.store as StoreKind, processors: Number(values.processors) } : undefined
const on = shared ? `${values.broker}, Kafka and the store ${shared.store}, ${shared.processors} processors` : values.broker

await program('chaos', async ({ dir, keep, atEnd, check, say }) => {
  if (process.platform !== 'linux') throw new CannotRun('it looks at processes as Linux shows them')
  say(`chaos: ${seconds} s on ${on}, seed ${seed}${bug ? `, planted: ${bugs[bug].says}` : ''}; in ${dir}`)
  const ledgers = createLedgers()
  const ended: string[] = []
  const ear: Ear = {
    agentLine: (agent, line) => hear(ledgers, agent, line),
    processorLine: (processor, line) => hear(ledgers, processor, line),
    simulatorLine: () => {},
    observed: (_agent, line) => observe(ledgers, line),
    unexpectedEnd: (name, how) => ended.push(`${name} ended by itself: ${how}`),
  }
  const startedMs = Date.now()
  const broker = values.broker as BrokerKind
  const installation = await startInstallation(dir, { broker, seed, bug, shared, atEnd, say }, ear)
  atEnd(watchReceipts(ledgers, { port: installation.brokerPort, ...installation.watcher }))
  const faults = createFaults(installation, values.faults?.split(','))
  for (const { kind, why } of faults.left) say(`left out: ${kind}: ${why}`)
  const freshness = installation.shared && (await watchFreshness(installation.shared))
  if (freshness) atEnd(freshness.stop)
  const busy = installation.shared && (await watchBusy())
  if (busy) atEnd(busy.stop)
  const counts = { agents: installation.agents.length, devices: installation.devices.length }
  const schedule = makeSchedule(seed, { seconds, ...counts, kinds: faults.kinds })
  const stopSensors = raiseDeadSensors(installation)
  atEnd(stopSensors)
  const windows = await runRounds(schedule, { installation, ledgers, faults, busy, say })
  stopSensors()
  const endMs = Date.now()
  const last = await endQuietly(installation, ledgers, busy)
  await freshness?.stop()
  writeFileSync(join(dir, 'faults.json'), JSON.stringify(faults.strikes))
  for (const line of report({ seed, faults, windows, ledgers })) say(line)
  const findings: Finding[] = []
  const seen = freshness && busy ? { seen: { looks: freshness.looks, busy } } : {}
  const ran = { installation, ledgers, faults, windows, last, seconds, startedMs, endMs, ...seen }
  await checkEverything(ran, findings).catch((error) => {
    // What a planted bug did may be more than a check can read.
    if (!bug) throw error
    findings.push({ isSo: false, what: `${error}` })
  })
  findings.push({ isSo: ended.length === 0, what: `no process ended by itself${ended.map((end) => `: ${end}`).join('')}` })
  const ends = await installation.stop()
  findings.push(...ends.map(({ name, how, isGone }) => ({ isSo: isGone && how === 'code 0', what: `${name} stopped: ${how}` })))
  if (bug) {
    for (const { isSo, what } of findings) if (!isSo) say(`red     ${what}`)
    const { seenBy = '' }: PlantedBug = bugs[bug]
    check(
      findings.some(({ isSo, what }) => !isSo && what.startsWith(seenBy)),
      `the planted bug ${bug} was caught${seenBy && ` by ${seenBy.replace(': ', '')}`}`,
    )
  } else for (const { isSo, what } of findings) check(isSo, what)
  if (values.keep) keep()
})
