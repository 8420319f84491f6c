import { encodeJson, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { processorSchema } from '../config.ts'
import type { Log, LogRecord, Snapshot, StageCommit } from '../log/index.ts'
import type { Sink } from '../sinks/index.ts'
import type { Refused } from '../stage/index.ts'
import { sinkRoles } from './sinks.ts'

/** `source` as of the record that it was made from. */
const record = (offset: number, source = offset): LogRecord => ({
  ...{ offset, key: 'a', timeMs: 1, value: encodeJson({ f: 1, k: 'tick', atMs: offset }) },
  source: { log: 'log', partition: 0, offset: source, index: 0 },
})

/** A log with these records; what is committed to it can be seen. */
function createLog(records: LogRecord[], kept?: Snapshot) {
  const commits: StageCommit[] = []
  const log: Partial<Log> = {
    ...{ id: 'log', partitions: 1 },
    read: async (_topic, _partition, from) => records.filter(({ offset }) => offset >= from).slice(0, 2),
    bounds: async () => ({ start: 0, end: records.length }),
    onAppend: () => () => {},
    partitionOf: () => 0,
    loadSnapshot: async () => commits.findLast(({ snapshot }) => snapshot)?.snapshot ?? kept,
    registerReader: async () => {},
    async commit(step) {
      commits.push(step)
    },
  }
  return { log: log as Log, commits }
}

async function run(given: ReturnType<typeof createLog>, sink: Partial<Sink>, name = 'sink-mine') {
  const took: number[] = []
  const whole: Sink = {
    topics: [topics.alarms],
    isIdempotent: false,
    async write(_log, _topic, _partition, records) {
      took.push(...records.map(({ offset }) => offset))
      return []
    },
    close: async () => {},
    ...sink,
  }
  // A position is due after 5 s: here at every look.
  let ms = 0
  const clock = { ...systemClock, monotonic: () => (ms += 6000) }
  const context = { log: given.log, clock, logger: silentLog, metrics: createMetrics() }
  const sinks = [{ name, stage: 'sinks' as const, sink: whole }]
  const [role] = sinkRoles({ ...context, config: processorSchema.parse({}), sinks })
  const started = role!.start(0)
  await new Promise((resolve) => setTimeout(resolve, 600))
  await started.stop()
  return { took, role: role! }
}

test('a sink is a role of its own name, shared among those with its stage', async () => {
  const { role } = await run(createLog([]), {})
  expect(role).toMatchObject({ name: 'sink-mine', among: 'sinks', partitions: 1 })
})

test('what repeats in the log goes into a sink once, also after a restart', async () => {
  const given = createLog([record(0), record(1), record(2, 0), record(3)])
  expect((await run(given, {})).took).toEqual([0, 1, 3])
  expect(given.commits.at(-1)).toMatchObject({ stage: 'sink-mine-alarms', snapshot: { next: 4 } })
  const again = createLog([record(4, 1), record(5, 3), record(6, 4)], given.commits.at(-1)!.snapshot)
  expect((await run(again, {})).took).toEqual([6])
})

test('documents go on where the version before kept their position, and are given repeats too', async () => {
  const given = createLog([record(0), record(1), record(2, 0)])
  const kept = { next: 1, state: new Uint8Array() }
  given.log.loadSnapshot = async (stage) => (stage === 'documents-alarms' ? kept : undefined)
  const { took } = await run(given, { isIdempotent: true }, 'documents')
  expect(took).toEqual([1, 2])
  expect(given.commits.at(-1)).toMatchObject({ stage: 'documents-alarms', snapshot: { next: 3, state: new Uint8Array() } })
})

test('a position is kept only when what was refused before it is rejected', async () => {
  const refused: Refused = {
    offset: 1,
    rejected: {
      f: 1,
      k: 'rejected',
      reason: 'SINK_RECORD_REFUSED',
      detail: '',
      at: 'store',
      lost: [0, 0],
      atMs: 1,
      bytesBase64: '',
    },
  }
  for (const isIdempotent of [true, false]) {
    const given = createLog([record(0), record(1), record(2)])
    const write: Sink['write'] = async (_log, _topic, _partition, records) =>
      records.some(({ offset }) => offset === 1) ? [refused] : []
    await run(given, { write, isIdempotent })
    const steps = given.commits.map(({ outputs, snapshot }) => [outputs.length, snapshot?.next])
    expect(steps.slice(0, 3)).toEqual([
      [1, undefined],
      [0, 2],
      [0, 3],
    ])
  }
})

test('what a sink remembers is kept with its position', async () => {
  const restored: unknown[] = []
  const memory = {
    save: () => ['declared'],
    restore: (_topic: unknown, _partition: unknown, saved: unknown) => void restored.push(saved),
  }
  const given = createLog([record(0)])
  await run(given, { memory })
  await run(given, { memory })
  expect(restored).toEqual([undefined, ['declared']])
})

test('a sink that keeps its position itself is asked for it again after a failure, and the log keeps what is not durable', async () => {
  const { log, commits } = createLog([0, 1, 2, 3].map((offset) => record(offset)))
  const held: number[] = []
  log.registerReader = async (_name, _topic, _partition, next) => void held.push(next)
  const opened: number[] = []
  const position: Sink['position'] = {
    open: async () => opened.push(1),
    durable: () => 1,
  }
  let writes = 0
  const write: Sink['write'] = async (_log, _topic, _partition, records) => {
    if (++writes === 1) throw new Error('the disk is full')
    wrote.push(...records.map(({ offset }) => offset))
    return []
  }
  const wrote: number[] = []
  await run({ log, commits }, { isIdempotent: true, position, write })
  expect(opened).toHaveLength(2)
  expect(wrote).toEqual([2, 3])
  expect(held).toEqual([1, 2])
  expect(commits).toEqual([])
})
