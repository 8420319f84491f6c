/**
 * `npm run cluster -- [--seconds 60] [--processors 3] [--split] [--partitions 6] [--port 8080]`
 *
 * Starts Kafka, VictoriaMetrics, OpenSearch, Mosquitto and several processors from nothing, runs the ward scenario on them,
 * and compares what the devices produced with what the store answers. Without `--seconds` it runs until Ctrl-C. With `--split`
 * each of three processors does a part of the stages, in place of all doing everything.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { processorSchema } from '@millrace/cloud-processor/config'
import { setUp } from '@millrace/cloud-processor/engines'
import { createMetrics, readArguments, silentLog, systemClock } from '@millrace/platform'
import { closingLine, openApi, printVerdict, up, verify, verifyDefaults } from 'millrace'
import { engines } from '../engines/index.ts'
import { startEngines } from '../support/cluster-engines.ts'
import { CannotRun, program } from '../support/program.ts'

const { values } = readArguments(
  { call: 'npm run cluster --' },
  {
    seconds: { type: 'string' },
    processors: { type: 'string', default: '3' },
    partitions: { type: 'string', default: '6' },
    port: { type: 'string', default: '0' },
    split: { type: 'boolean', default: false },
  },
)

const split = [
  ['web', 'notifier', 'store'],
  ['bridge', 'prepare'],
  ['rules', 'store', 'documents'],
]

/** @throws CannotRun */
async function mosquittoProgram(): Promise<string> {
  const found = await engines.mosquitto.find()
  if (!found) throw new CannotRun('mosquitto is not there. Run: npm run engines -- mosquitto')
  const unpacked = join(found.where, 'usr/sbin/mosquitto')
  return existsSync(unpacked) ? unpacked : found.where
}

await program('cluster', async (context) => {
  const { dir, atEnd, check, say } = context
  const { config } = await startEngines(context, { partitions: Number(values.partitions), documents: true })
  const metrics = createMetrics()
  await setUp(processorSchema.parse({ dataDir: dir, ...config }), { clock: systemClock, logger: silentLog, metrics }, say)
  const running = await up(
    {
      data: dir,
      port: Number(values.port),
      processors: values.split ? split.length : Number(values.processors),
      ...(values.split ? { stages: split } : {}),
      processor: { ...config, runner: { snapshotEveryMs: 10_000 } },
      mosquitto: await mosquittoProgram(),
    },
    say,
  )
  atEnd(() => running.stop())
  say(`Millrace runs: ${running.url}  processes ${JSON.stringify(running.pids())}`)
  if (values.seconds === undefined) return new Promise(() => {})
  await new Promise((resolve) => setTimeout(resolve, Number(values.seconds) * 1000))
  // The store shows what it took some seconds late: only when nothing more comes can it be held against the ledger.
  await running.switchOff()
  const verdict = await verify(openApi(running.url), [running.manifest()], verifyDefaults)
  if (!verdict.isWhole) say(printVerdict(verdict))
  check(verdict.isWhole, closingLine(verdict))
  check(verdict.total.produced > 1000, `the ward produced something: ${verdict.total.produced}`)
})
