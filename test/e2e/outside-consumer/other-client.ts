/** The same topics by kafkajs, which shares no code with the writer; and what the sink on Kafka makes of them, by kafkajs too. */
import { processorSchema } from '@millrace/cloud-processor/config'
import type { Log } from '@millrace/cloud-processor/log'
import { type Sink, sinks } from '@millrace/cloud-processor/sinks'
import { type Marks, pass } from '@millrace/cloud-processor/stage'
import type { Topic } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { sinkRoles } from '../../../cloud-processor/src/roles/sinks.ts'
import { type ReadMessage, readTopic } from '../../support/kafkajs-reader.ts'
import type { Life } from '../../support/life/life.ts'
import type { Program } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { difference } from './readings.ts'

interface Installation {
  log: Log
  brokers: string[]
  topicPrefix: string
}

/** By the headers alone, as somebody's own program would do it. */
export async function checkTopic(
  { check }: Program,
  { brokers, topicPrefix }: Installation,
  name: string,
  expected: { all: number; once: number },
) {
  const messages = await readTopic({ brokers }, `${topicPrefix}${name}`)
  const marks = new Map<number, Marks>()
  const once = messages.filter(({ partition, headers }) => {
    const own = marks.get(partition) ?? {}
    marks.set(partition, own)
    return pass(own, sourceOf(headers))
  })
  const isSame = messages.length === expected.all && once.length === expected.once
  check(
    isSame,
    `kafkajs reads ${messages.length} of ${expected.all} records of ${name}, ${once.length} of ${expected.once} of them once`,
  )
}

function sourceOf(headers: ReadMessage['headers']) {
  const [partition, offset, index] = ['partition', 'offset', 'index'].map((name) => Number(headers[`ce_millrace${name}`]))
  return { log: headers.ce_millracelog!, partition: partition!, offset: offset!, index: index! }
}

/** Every reading and alarm is in the user's topics; after a second run that knows nothing of the first, twice under the same ids. */
export async function checkSink({ check }: Program, installation: Installation, life: Life, alarms: number): Promise<void> {
  const { brokers, topicPrefix } = installation
  const names = { readings: `${topicPrefix}their.readings`, alarms: `${topicPrefix}their.alarms` }
  const plugin = sinks.find(({ kind }) => kind === 'kafka')!
  const config = plugin.schema.parse({ kind: 'kafka', brokers, topics: names }) as never
  const context = { dataDir: '', clock: systemClock, logger: silentLog, metrics: createMetrics() }
  await plugin.setUp!(config, context, () => {})
  const runs: { readings: ReadMessage[]; alarms: ReadMessage[] }[] = []
  for (let run = 0; run < 2; run++) {
    const sink = await plugin.open(config, context)
    await carryAll(installation.log, sink)
    await sink.close()
    runs.push({ readings: await readTopic({ brokers }, names.readings), alarms: await readTopic({ brokers }, names.alarms) })
  }
  const [first, second] = runs as [(typeof runs)[0], (typeof runs)[0]]
  const found = difference(measuredOf(life), first.readings.flatMap(rowsOf))
  const isSame = found.lost + found.doubled + found.altered + found.strange === 0
  check(isSame, `the sink wrote ${first.readings.length} records: ${JSON.stringify(found)}`)
  check(first.alarms.length === alarms, `and ${first.alarms.length} of ${alarms} changes of alarms`)
  for (const name of ['readings', 'alarms'] as const) {
    const ids = [...idsOf(first[name])]
    const isRepeat = second[name].length === 2 * ids.length && idsOf(second[name]).size === ids.length
    check(
      isRepeat && ids.length === first[name].length,
      `a second run writes the ${ids.length} ${name} again, under the same ids`,
    )
  }
}

/** Until everything that the log holds is in the sink; no position is kept. */
async function carryAll(log: Log, sink: Sink): Promise<void> {
  const refused: unknown[] = []
  /** Of each partition the offset that was asked for last: what is before it is in the sink. */
  const next = new Map<string, number>()
  const watched: Log = {
    ...log,
    commit: async ({ outputs }) => void refused.push(...outputs),
    loadSnapshot: async () => undefined,
    read(topic, partition, from, limit) {
      next.set(`${topic}/${partition}`, from)
      return log.read(topic, partition, from, limit)
    },
  }
  const context = { log: watched, clock: systemClock, logger: silentLog, metrics: createMetrics() }
  const [role] = sinkRoles({
    ...context,
    config: processorSchema.parse({}),
    sinks: [{ name: 'sink-test', stage: 'sinks', sink }],
  })
  const runs = Array.from({ length: log.partitions }, (_, partition) => role!.start(partition))
  const ends = await endsOf(log, sink.topics)
  await until('the sink', () => [...ends].every(([key, end]) => (next.get(key) ?? 0) >= end), { withinMs: 60_000 })
  await Promise.all(runs.map((run) => run.stop()))
  if (refused.length > 0) throw new Error(`the sink refused some: ${JSON.stringify(refused).slice(0, 1000)}`)
}

async function endsOf(log: Log, wanted: Topic[]): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  for (const topic of wanted)
    for (let partition = 0; partition < log.partitions; partition++) {
      const { start, end } = await log.bounds(topic, partition)
      if (end > start) ends.set(`${topic}/${partition}`, end)
    }
  return ends
}

const idsOf = (messages: ReadMessage[]) => new Set(messages.map(({ headers }) => headers.ce_id))

/** As the sink writes numbers. */
function measuredOf({ measured }: Life) {
  return measured.map((one) => (typeof one.value === 'number' ? { ...one, value: Number(one.value.toPrecision(12)) } : one))
}

function rowsOf({ value }: ReadMessage): { place: string; text: string }[] {
  const { device, channel, timeMs, value: single, samples, intervalMs } = JSON.parse(`${value}`)
  const row = (t: number, v: unknown) => ({ place: `${device}/${channel}@${t}`, text: `${v}` })
  return samples ? samples.map((sample: number, k: number) => row(timeMs + k * intervalMs, sample)) : [row(timeMs, single)]
}
