/**
 * Kills Kafka five times under load. Two processes append, and both run the same stage on the same partitions, so that every
 * output is made twice, as by a zombie. Afterwards: nothing acknowledged is lost, no reader that follows the rule of marks sees a
 * double, and the order of each partition is kept.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Log, type LogRecord, openKafkaLog } from '@millrace/cloud-processor/log'
import { type Marks, pass } from '@millrace/cloud-processor/stage'
import { type Topic, topics } from '@millrace/contract'
import { createMetrics, readArguments, silentLog } from '@millrace/platform'
import { isMissing, obtain } from '../engines/index.ts'
import { CannotRun, program } from '../support/program.ts'

readArguments({ call: 'npm run break -- kafka-kill' }, {})

const kills = 5
const rate = 500
const partitions = 2
const worker = fileURLToPath(new URL('./kafka-kill/worker.ts', import.meta.url))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const range = (count: number) => Array.from({ length: count }, (_, k) => k)
const text = ({ value }: LogRecord) => Buffer.from(value).toString()
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

interface Worker {
  name: string
  child: ChildProcess
  acknowledged: Map<number, number>
  refused: number
  ackMs: number[]
  failures: string[]
}

await program('kafka-kill', async ({ dir, check, say, atEnd }) => {
  const kafka = await obtain('kafka', { dir: join(dir, 'kafka') }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  atEnd(() => kafka.stop())
  const settings = { brokers: [kafka.address], replicas: 1, partitions, requestMs: 3000 }
  const log = await openKafkaLog(settings, { log: silentLog, metrics: createMetrics() })
  atEnd(() => log.close())
  const workers = ['one', 'two'].map((name) => start(name, settings))
  for (const { child } of workers) atEnd(() => void child.kill('SIGKILL'))
  await sleep(3000)

  const stalls: number[] = []
  for (let k = 0; k < kills; k++) {
    const killedMs = performance.now()
    await kafka.kill()
    await sleep(500 + 300 * k)
    await kafka.restart()
    const upMs = performance.now()
    await sleep(6000)
    const backMs = workers.map(({ ackMs }) => (ackMs.find((ms) => ms > upMs) ?? Number.POSITIVE_INFINITY) - upMs)
    stalls.push(...backMs)
    say(`kill ${k + 1}: away ${seconds(upMs - killedMs)}, taken up again after ${backMs.map(seconds).join(' and ')}`)
  }

  await Promise.all(workers.map(({ child }) => ask(child, 'quiet')))
  const ends = await Promise.all(range(partitions).map(async (p) => (await log.bounds(topics.raw, p)).end))
  const isThrough = async ({ child }: Worker) => ((await ask(child, 'progress')) as number[]).every((next, p) => next >= ends[p]!)
  const through = await within(20_000, async () => (await Promise.all(workers.map(isThrough))).every(Boolean))
  check(through, 'both processes read raw to its end')
  const reports = (await Promise.all(workers.map(({ child }) => ask(child, 'stop')))) as { followed: number; memory: number }[]
  for (const { name, acknowledged, refused, failures } of workers) {
    say(`process ${name}: ${acknowledged.size} acknowledged, ${refused} refused`)
    check(failures.length === 0, `process ${name} had no failure ${failures.join('; ')}`)
  }
  say(`memory at the end: ${reports.map(({ memory }) => `${Math.round(memory / 1e6)} MB`).join(' and ')}`)

  let repeats = 0
  for (let partition = 0; partition < partitions; partition++) {
    const raw = await readAll(log, topics.raw, partition)
    for (const { name, acknowledged } of workers) {
      const numbers = raw.map(text).flatMap((value) => (value.startsWith(`${name} `) ? [Number(value.split(' ')[1])] : []))
      const wanted = [...acknowledged].filter(([, p]) => p === partition).map(([number]) => number)
      const found = new Set(numbers)
      check(
        wanted.every((number) => found.has(number)),
        `partition ${partition}: all ${wanted.length} acknowledged of ${name} are there`,
      )
      check(found.size === numbers.length, `partition ${partition}: none of ${name} is there twice`)
      check(
        numbers.every((number, k) => k === 0 || number > numbers[k - 1]!),
        `partition ${partition}: ${name} is in order`,
      )
    }
    const marks: Marks = {}
    const timeline = await readAll(log, topics.timeline, partition)
    const seen = timeline.filter(({ source }) => pass(marks, source)).map(text)
    repeats += timeline.length - seen.length
    const expected = raw.flatMap((record, k) => ['a', 'b'].map((part) => `${record.offset}:${k}:${text(record)}:${part}`))
    check(
      seen.length === expected.length && seen.every((value, k) => value === expected[k]),
      `partition ${partition}: a reader sees the ${expected.length} outputs once and in order`,
    )
  }
  check(repeats > 0, `the rule of marks had something to do: ${repeats} repeats`)
  check(Math.max(...stalls) < 3000, `at most ${seconds(Math.max(...stalls))} from Kafka's return to the next acknowledgement`)
})

function start(name: string, settings: object): Worker {
  const child = fork(worker, [name, JSON.stringify(settings), `${rate}`], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const it: Worker = { name, child, acknowledged: new Map(), refused: 0, ackMs: [], failures: [] }
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const [what, partition, number] = line.split(' ')
    if (what === 'ack') {
      it.acknowledged.set(Number(number), Number(partition))
      it.ackMs.push(performance.now())
    } else if (what === 'refused') it.refused++
    else it.failures.push(line)
  })
  return it
}

async function ask(child: ChildProcess, order: string): Promise<unknown> {
  const answer = once(child, 'message')
  child.send(order)
  return (await answer)[0]
}

async function within(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  for (const endMs = performance.now() + ms; performance.now() < endMs; await sleep(200)) if (await holds()) return true
  return false
}

async function readAll(log: Log, topic: Topic, partition: number): Promise<LogRecord[]> {
  const { start, end } = await log.bounds(topic, partition)
  const found: LogRecord[] = []
  for (let next = start; next < end; next = found.at(-1)!.offset + 1)
    found.push(...(await log.read(topic, partition, next, { records: 5000, bytes: 1 << 20 })))
  return found
}
