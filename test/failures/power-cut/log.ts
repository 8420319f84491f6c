/**
 * The embedded log as the processor uses it: appends to `raw` of many sizes, several at once, while a stage run by the real
 * runner reads them and commits outputs and snapshots.
 *
 * Said: `raw` with the next offset after an append was acknowledged, `timeline` with the next offset after outputs were.
 */
import { join } from 'node:path'
import { type Log, type LogRecord, openEmbeddedLog } from '@millrace/cloud-processor/log'
import { runnerDefaults, runStage, type Stage } from '@millrace/cloud-processor/stage'
import { topics } from '@millrace/contract'
import { createMetrics, type Log as Logger, systemClock } from '@millrace/platform'
import { createRandom } from '../../simulation/random.ts'
import { until } from '../../support/until.ts'
import { type Found, itemValue, nothingFound, type Said, type Subject } from './subject.ts'

const file = 'log.sqlite'
const { raw, timeline } = topics

export const log: Subject = { write, check, file }

interface Sum {
  seen: number
  sum: number
}

/** Its outputs depend on everything before: a record lost, doubled or altered, or a wrong snapshot, shows in all that follow. */
const summing: Stage<Sum> = {
  name: 'summing',
  input: raw,
  initial: () => ({ seen: 0, sum: 0 }),
  step(state, record, emit) {
    state.seen++
    for (const byte of record.value) state.sum = (Math.imul(state.sum, 31) + byte) | 0
    emit(timeline, 'k', Buffer.from(`${state.seen} ${state.sum}`))
    if (state.seen % 3 === 0) emit(timeline, 'k', Buffer.from(`third ${state.seen}`))
  },
  encode: (state) => Buffer.from(JSON.stringify(state)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
}

const stageOptions = { ...runnerDefaults, stepRecords: 50, snapshotEveryRecords: 300, snapshotEveryMs: 500 }

function open(folder: string, problems: string[]) {
  const complain = (message: string, fields?: unknown) => void problems.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { info() {}, warn: complain, error: complain }
  const context = { clock: systemClock, metrics: createMetrics() }
  return openEmbeddedLog({ path: join(folder, file) }, { ...context, log: logger }).then((log) => ({
    log,
    run: () => runStage(summing, 0, stageOptions, { ...context, log, logger }),
  }))
}

/** 20 bytes to 4 KB: text that compresses in part. */
function valueAt(seed: number, n: number): Buffer {
  return Buffer.from(`${n} `.padEnd(20 + ((itemValue(seed, n) >>> 0) % 4000), `${itemValue(seed + 1, n)}`))
}

async function write(folder: string, seed: number, say: (line: Said) => void): Promise<void> {
  const random = createRandom(seed, 'log')
  const { log, run } = await open(folder, [])
  run()
  log.onAppend(timeline, (_, end) => say(['timeline', end]))
  for (let n = 0; ; ) {
    const appends = Array.from({ length: 1 + random.below(10) }, () => {
      const records = Array.from({ length: 1 + random.below(5) }, () => ({ key: 'k', value: valueAt(seed, n++) }))
      return log.append(raw, 0, records).then((first) => say(['raw', first + records.length]))
    })
    await Promise.all(appends)
  }
}

async function check(folder: string, seed: number, said: Said[]): Promise<Found> {
  const found = nothingFound()
  const { log, run } = await open(folder, found.problems)
  const promised = (what: string) => Math.max(0, ...said.filter(([each]) => each === what).map(([, end]) => end as number))
  const [inputs, outputs] = [await values(log, raw), await values(log, timeline)]
  found.acknowledged = promised('raw') + promised('timeline')
  found.lost = Math.max(0, promised('raw') - inputs.length) + Math.max(0, promised('timeline') - outputs.length)
  found.beyond = inputs.length + outputs.length - found.acknowledged + found.lost
  compare(
    found,
    inputs,
    inputs.map((_, n) => valueAt(seed, n).toString()),
  )
  const expected = expectedOutputs(inputs)
  compare(found, outputs, expected.slice(0, outputs.length))
  if (outputs.length > expected.length) found.problems.push('there are outputs of records that are not there')
  await compareSnapshot(found, log, inputs, outputs)

  // The stage goes on by itself and makes the rest: nothing doubled, nothing left out.
  const running = run()
  await until('the stage reads to the end', () => running.progress().next >= inputs.length)
  await running.stop()
  const all = await values(log, timeline)
  if (all.length !== expected.length) found.problems.push(`${all.length} outputs after the restart instead of ${expected.length}`)
  compare(found, all, expected)
  await log.close()
  return found
}

function compare(found: Found, values: string[], expected: string[]): void {
  found.doubled += values.length - new Set(values).size
  found.altered += values.filter((value, k) => value !== expected[k]).length
}

/** The snapshot is the state after exactly the records before it, and all their outputs are there. */
async function compareSnapshot(found: Found, log: Log, inputs: string[], outputs: string[]): Promise<void> {
  const snapshot = await log.loadSnapshot(summing.name, 0)
  if (!snapshot) return
  found.covered.snapshots = 1
  if (snapshot.next > inputs.length) return void found.problems.push(`a snapshot of ${snapshot.next}, beyond the end`)
  // The runner keeps its marks beside the stage's state; of the bytes only the state's own are compared.
  const { seen, sum } = stateAfter(inputs.slice(0, snapshot.next))
  if (!Buffer.from(snapshot.state).toString('latin1').includes(JSON.stringify({ seen, sum })))
    found.problems.push(`the snapshot at ${snapshot.next} is not the state there`)
  const due = expectedOutputs(inputs.slice(0, snapshot.next)).length
  if (outputs.length < due) found.problems.push(`a snapshot at ${snapshot.next} without its outputs: ${outputs.length} of ${due}`)
}

function stateAfter(inputs: string[], emit: (value: string) => void = () => {}): Sum {
  const state = summing.initial(0)
  inputs.forEach((value, offset) => {
    const record: LogRecord = { offset, key: 'k', value: Buffer.from(value), timeMs: 0 }
    summing.step(state, record, (_topic, _key, output) => emit(Buffer.from(output).toString()))
  })
  return state
}

function expectedOutputs(inputs: string[]): string[] {
  const outputs: string[] = []
  stateAfter(inputs, (value) => outputs.push(value))
  return outputs
}

async function values(log: Log, topic: typeof raw | typeof timeline): Promise<string[]> {
  const { start, end } = await log.bounds(topic, 0)
  const found: string[] = []
  for (let next = start; next < end; ) {
    const records = await log.read(topic, 0, next, { records: 1000, bytes: 4 << 20 })
    for (const { value } of records) found.push(Buffer.from(value).toString())
    next = records.at(-1)!.offset + 1
  }
  return found
}
