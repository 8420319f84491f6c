/**
 * A process under load: appends numbered records to raw, runs a stage from raw to the timeline on every partition, and follows the
 * timeline. It writes what was acknowledged to standard output: `ack <partition> <number>`, `refused <partition> <number>`.
 */
import { writeSync } from 'node:fs'
import { openKafkaLog } from '@millrace/cloud-processor/log'
import { follow, runnerDefaults, runStage, type Stage } from '@millrace/cloud-processor/stage'
import { topics } from '@millrace/contract'
import { createLog, createMetrics, systemClock } from '@millrace/platform'

const [name, settings, rate] = process.argv.slice(2) as [string, string, string]
const metrics = createMetrics()
const logger = createLog(name)
const log = await openKafkaLog(JSON.parse(settings), { log: logger, metrics })
const say = (line: string) => void writeSync(1, `${line}\n`)

/** Two records out for each one in, with how many came before: a state that is lost or doubled shows. */
const counting: Stage<{ seen: number }> = {
  name: 'counting',
  input: topics.raw,
  initial: () => ({ seen: 0 }),
  step(state, record, emit) {
    const value = `${record.offset}:${state.seen++}:${Buffer.from(record.value)}`
    emit(topics.timeline, record.key, Buffer.from(`${value}:a`))
    emit(topics.timeline, record.key, Buffer.from(`${value}:b`))
  },
  encode: (state) => Buffer.from(JSON.stringify(state)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
}

const context = { log, clock: systemClock, logger, metrics }
const stages = Array.from({ length: log.partitions }, (_, partition) =>
  runStage(counting, partition, { ...runnerDefaults, snapshotEveryRecords: 500, snapshotEveryMs: 1000 }, context),
)
const stopping = new AbortController()
let followed = 0
for (let partition = 0; partition < log.partitions; partition++) {
  const from = (await log.bounds(topics.timeline, partition)).end
  const take = (records: unknown[]) => {
    followed += records.length
  }
  follow(log, { topic: topics.timeline, partition, from, limit: { records: 500, bytes: 1 << 20 } }, take, stopping.signal).catch(
    (error) => say(`failed follower ${error}`),
  )
}
for (const { failed } of stages) failed.catch((error) => say(`failed stage ${error}`))

let number = 0
let isWriting = true
const inFlight = new Set<Promise<void>>()
const timer = setInterval(() => {
  if (!isWriting || inFlight.size > 5000) return
  for (let k = 0; k < Number(rate) / 50; k++) {
    const mine = number++
    const partition = mine % log.partitions
    const key = keyOf(partition)
    const one: Promise<void> = log
      .append(topics.raw, partition, [{ key, value: Buffer.from(`${name} ${mine}`) }])
      .then(
        () => say(`ack ${partition} ${mine}`),
        () => say(`refused ${partition} ${mine}`),
      )
      .finally(() => void inFlight.delete(one))
    inFlight.add(one)
  }
}, 20)

/** A key that stays in its partition. */
function keyOf(partition: number): string {
  for (let k = 0; ; k++) if (log.partitionOf(`k${k}`) === partition) return `k${k}`
}

process.on('message', async (order) => {
  if (order === 'quiet') {
    isWriting = false
    await Promise.all(inFlight)
    process.send!('quiet')
  } else if (order === 'progress') process.send!(stages.map((stage) => stage.progress().next))
  else if (order === 'stop') {
    clearInterval(timer)
    stopping.abort()
    await Promise.all(stages.map((stage) => stage.stop()))
    await log.close()
    process.send!({ followed, memory: process.memoryUsage().rss, metrics: metrics.values() })
    process.disconnect()
  }
})
