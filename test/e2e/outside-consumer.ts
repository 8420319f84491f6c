/**
 * An independent program reads Millrace's topics by the published schema: examples/consumer/consumer.py, in Python, against a real
 * Kafka; and so does kafkajs. The topics hold every record twice (the stages ran, took no snapshot, and ran again), and the consumer must take each once.
 *
 *     node test/e2e/outside-consumer.ts [--seed n] [--seconds n]
 */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Log, openKafkaLog } from '@millrace/cloud-processor/log'
import { type Marks, pass, type RunnerOptions, runnerDefaults, runStage } from '@millrace/cloud-processor/stage'
import { type AlarmTopicRecord, decodeJson, encodeRaw, type Topic, topics } from '@millrace/contract'
import { createMetrics, readArguments, silentLog, systemClock } from '@millrace/platform'
import { override } from '@millrace/platform/testing/override'
import { onPath } from '../engines/command.ts'
import { isMissing, obtain, tools } from '../engines/index.ts'
import { type Life, liveThrough } from '../support/life/life.ts'
import { prepareLife, ruleLife } from '../support/life/stages.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { checkSink, checkTopic } from './outside-consumer/other-client.ts'
import { type Ended, pythonWithPackages, runPython } from './outside-consumer/python.ts'
import { difference, rowsOf } from './outside-consumer/readings.ts'

const { values: options } = readArguments(
  { call: 'npm run break -- outside-consumer' },
  { seed: { type: 'string', default: '1' }, seconds: { type: 'string', default: '180' } },
)
const repository = resolve(import.meta.dirname, '../..')
const call = promisify(execFile)
const partitions = 3
const each = Array.from({ length: partitions }, (_, partition) => partition)

await program('outside-consumer', async (context) => {
  const { check, say } = context
  const python = await pythonWithPackages(say)
  const kafka = await obtain('kafka', { dir: join(context.dir, 'kafka') }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  context.atEnd(() => kafka.stop())
  const topicPrefix = `outside-${process.pid}.`
  const log = await openKafkaLog(
    { brokers: [kafka.address], partitions, replicas: 1, topicPrefix },
    { log: silentLog, metrics: createMetrics() },
  )
  context.atEnd(() => log.close())

  const consumerArgs = (state: string, ...more: string[]) => {
    const place = ['--brokers', kafka.address, '--prefix', topicPrefix, '--state', join(context.dir, state)]
    return [join(repository, 'examples/consumer/consumer.py'), ...place, '--until-idle', '2', ...more]
  }
  const consume = async (state: string, ...more: string[]) => whole(await runPython(python, consumerArgs(state, ...more)))

  const life = liveThrough(Number(options.seed), Number(options.seconds))
  await append(log, life)
  say(`seed ${options.seed}: ${life.records.length} raw records, ${life.measured.length} readings and samples`)
  await runStages(forgetful(log))
  checkReadings(context, 'a first run', life, await consume('one.json'))
  await runStages(log)

  const [timeline, alarms] = [await count(log, topics.timeline), await count(log, topics.alarms)]
  const doubled = `${timeline.all} records on the timeline, ${timeline.once} of them once; ${alarms.all} and ${alarms.once} on alarms`
  check(
    timeline.all === 2 * timeline.once && alarms.all === 2 * alarms.once,
    `every record stands in the topics twice: ${doubled}`,
  )
  const second = await consume('one.json')
  check(rowsOf(second).length === 0 && second.stderr === '', 'the first run, gone on with its marks, finds nothing new')
  const fromStart = await consume('two.json', '--from-start')
  checkReadings(context, 'a run from the start', life, fromStart)
  checkAlarms(context, alarms.records, fromStart)
  const lax = difference(life.measured, rowsOf(await consume('three.json', '--from-start', '--no-marks')))
  check(lax.doubled === life.measured.length && lax.lost === 0, `without marks it doubles: ${JSON.stringify(lax)}`)
  const installation = { log, brokers: [kafka.address], topicPrefix }
  await checkTopic(context, installation, 'timeline', timeline)
  await checkTopic(context, installation, 'alarms', alarms)
  await checkSink(context, installation, life, alarms.records.filter(({ k }) => k === 'alarm').length)
  await killMidway(context, python, consumerArgs('five.json'), life)
  await readmeCommands(context, kafka.address, topicPrefix, { timeline: timeline.all, alarms: alarms.all })
  await validate(context, python, await consume('four.json', '--from-start', '--json'), timeline.once + alarms.once)
})

function whole(ended: Ended): Ended {
  if (ended.code !== 0) throw new Error(`the consumer ended with ${ended.code}: ${ended.stderr.slice(-2000)}`)
  return ended
}

async function append(log: Log, { records }: Life): Promise<void> {
  const appends = records.flatMap(({ key, raw }) => {
    const value = encodeRaw(raw)
    const to = key === undefined ? each : [log.partitionOf(key)]
    return to.map((partition) => log.append(topics.raw, partition, [{ key: key ?? '', value }]))
  })
  await Promise.all(appends)
}

/** Until both stages have read all there is. */
async function runStages(log: Log): Promise<void> {
  const context = { log, clock: systemClock, logger: silentLog, metrics: createMetrics() }
  const runner: RunnerOptions = { ...runnerDefaults, stepRecords: 97 }
  const finish = async (start: (partition: number) => ReturnType<typeof runStage>, input: Topic) => {
    const runs = each.map(start)
    const ends = await Promise.all(each.map((partition) => log.bounds(input, partition)))
    const isDone = () => runs.every((run, partition) => run.progress().next >= ends[partition]!.end)
    await Promise.race([until('the stages', isDone, { withinMs: 60_000 }), ...runs.map(({ failed }) => failed)])
    await Promise.all(runs.map((run) => run.stop()))
  }
  const prepare = prepareLife(partitions)
  await finish((partition) => runStage(prepare, partition, runner, context), topics.raw)
  await finish((partition) => runStage(ruleLife(), partition, runner, context), topics.timeline)
}

/** Its stages end like killed ones: what they made is there, and no snapshot says so. */
function forgetful(log: Log): Log {
  return override(log, { commit: ({ snapshot: _, ...step }) => log.commit(step) })
}

/** What a topic holds, and what of it the reader's rule takes. */
async function count(log: Log, topic: Topic) {
  const found = { all: 0, once: 0, records: [] as AlarmTopicRecord[] }
  for (const partition of each) {
    const { end } = await log.bounds(topic, partition)
    const marks: Marks = {}
    for (let next = 0; next < end; ) {
      const records = await log.read(topic, partition, next, { records: 1000, bytes: 4 << 20 })
      next = records.at(-1)!.offset + 1
      found.all += records.length
      for (const record of records) {
        if (!pass(marks, record.source)) continue
        found.once++
        if (topic === topics.alarms) found.records.push(decodeJson(record.value))
      }
    }
  }
  return found
}

/** Asked to end in the middle, it ends between two records, and the next run goes on there. */
async function killMidway(context: Program, python: string, args: string[], life: Life): Promise<void> {
  const first = whole(await runPython(python, args, { endAfterBytes: 50_000 }))
  const rest = whole(await runPython(python, args))
  const share = `${rowsOf(first).length} and ${rowsOf(rest).length} rows`
  checkReadings(context, `a run ended in the middle and another, ${share}`, life, {
    ...first,
    stdout: first.stdout + rest.stdout,
  })
  context.check(rowsOf(first).length > 0 && rowsOf(rest).length > 0, 'each of the two had its part')
}

/** As a reader would type them, on this Kafka. */
async function readmeCommands(
  { check, say }: Program,
  address: string,
  prefix: string,
  all: { timeline: number; alarms: number },
) {
  const found = await tools.kcat.find()
  if (!found || !onPath('jq')) return say('the kcat commands were not run: they need jq and kcat (npm run engines -- kcat)')
  const readme = readFileSync(join(repository, 'examples/consumer/README.md'), 'utf8')
  const kcat = await tools.kcat.program()
  for (const [, command] of readme.matchAll(/^ {4}kcat (.*)$/gm)) {
    const here = command!.replace('127.0.0.1:9092', address).replace('millrace.', prefix)
    const { stdout } = await call('sh', ['-c', `${kcat} ${here}`], { maxBuffer: 1 << 28 })
    const lines = stdout.split('\n').length - 1
    const expected = command!.includes('timeline') ? all.timeline : all.alarms
    const isRight = command!.includes('jq') ? lines > 0 && lines < expected : lines === expected
    check(isRight, `kcat ${command!.slice(0, 90)} ...: ${lines} lines, of ${expected} records`)
  }
}

function checkReadings({ check }: Program, what: string, { measured }: Life, ended: Ended): void {
  const { lost, doubled, altered, strange, example = '' } = difference(measured, rowsOf(ended))
  const isSame = lost + doubled + altered + strange === 0
  check(isSame, `${what}: ${lost} lost, ${doubled} doubled, ${altered} altered, ${strange} never measured ${example}`)
}

function checkAlarms({ check }: Program, records: AlarmTopicRecord[], { stderr }: Ended): void {
  const made = records.flatMap((record) => (record.k === 'alarm' ? [`${record.change} ${record.id}`] : []))
  const shown = [...stderr.matchAll(/^\S+ \w+ (\w+): .* \[(\S+)\]$/gm)].map(([, change, id]) => `${change} ${id}`)
  check(
    made.length > 0 && made.toSorted().join() === shown.toSorted().join(),
    `${shown.length} of ${made.length} changes of alarms`,
  )
}

async function validate({ check }: Program, python: string, { stdout }: Ended, expected: number): Promise<void> {
  const script = join(import.meta.dirname, 'outside-consumer/validate.py')
  const page = join(repository, 'docs/reference/asyncapi.yaml')
  const { code, stdout: said, stderr } = await runPython(python, [script, page], { input: stdout })
  const { counts = {} } = code === 0 ? (JSON.parse(said) as { counts: Record<string, number> }) : {}
  const seen = Object.values(counts).reduce((sum, count) => sum + count, 0)
  check(
    code === 0 && seen === expected,
    `${seen} of ${expected} records are as published: ${said.trim()} ${stderr.slice(0, 1000)}`,
  )
  const spoilt = stdout.replace('"f": 1', '"f": 1, "extra": 1')
  const { code: refused } = await runPython(python, [script, page], { input: spoilt })
  check(refused === 1, 'a record with one field more is found')
}
