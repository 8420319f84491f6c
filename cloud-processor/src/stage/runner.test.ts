import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topics } from '@millrace/contract'
import { createMetrics, MillraceError, silentLog, systemClock } from '@millrace/platform'
import { override } from '@millrace/platform/testing/override'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Log, openEmbeddedLog } from '../log/index.ts'
import { runnerDefaults, runStage } from './runner.ts'
import type { Stage } from './stage.ts'

/** Numbers the records it has seen: any repeat, loss or wrong state shows in its outputs. */
const counting: Stage<{ seen: number }> = {
  name: 'counting',
  input: topics.raw,
  initial: () => ({ seen: 0 }),
  step(state, record, emit) {
    state.seen++
    const value = Buffer.from(`${state.seen}:${Buffer.from(record.value)}`)
    emit(topics.timeline, 'k', value)
    if (state.seen % 3 === 0) emit(topics.timeline, 'k', Buffer.from('third'))
  },
  encode: (state) => Buffer.from(JSON.stringify(state)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
}

let dir: string
let log: Log
const context = () => ({ log, clock: systemClock, logger: silentLog, metrics: createMetrics() })
const options = { ...runnerDefaults, stepRecords: 7, snapshotEveryRecords: 20 }

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-runner-'))
  log = await openEmbeddedLog({ path: join(dir, 'log.sqlite') }, { log: silentLog, metrics: createMetrics() })
})
afterEach(async () => {
  await log.close()
  rmSync(dir, { recursive: true })
})

const append = (from: number, to: number) =>
  log.append(
    topics.raw,
    0,
    Array.from({ length: to - from }, (_, i) => ({ key: 'k', value: Buffer.from(`${from + i}`) })),
  )
const outputs = async () =>
  (await log.read(topics.timeline, 0, 0, { records: 10_000, bytes: 1 << 24 })).map(({ value }) => Buffer.from(value).toString())
const expected = (n: number) =>
  Array.from({ length: n }, (_, i) => (i % 3 === 2 ? [`${i + 1}:${i}`, 'third'] : [`${i + 1}:${i}`])).flat()

async function until(run: { progress(): { next: number } }, next: number) {
  while (run.progress().next < next) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('a stage follows its input and stops cleanly', async () => {
  const run = runStage(counting, 0, options, context())
  await append(0, 50)
  await append(50, 100)
  await until(run, 100)
  await run.stop()
  expect(await outputs()).toEqual(expected(100))
  expect((await log.loadSnapshot('counting', 0))?.next).toBe(100)
})

test('a stage that was killed repeats its outputs from the snapshot, and none is in the log twice', async () => {
  await append(0, 100)
  const first = runStage(counting, 0, options, context())
  await until(first, 100)
  // No stop: its last snapshot is older than its last output, as after a kill.
  const second = runStage(counting, 0, options, context())
  await append(100, 130)
  await until(second, 130)
  await Promise.all([first.stop(), second.stop()])
  expect(await outputs()).toEqual(expected(130))
})

test('a failed commit ends the session, and the next one resumes from the snapshot', async () => {
  let failures = 0
  let commits = 0
  const flaky = override(log, {
    commit: async (step) => {
      if (failures < 3 && ++commits % 4 === 0) {
        failures++
        throw new MillraceError('LOG_WRITE', { path: 'x', detail: 'injected' })
      }
      await log.commit(step)
    },
  })
  await append(0, 200)
  const run = runStage(counting, 0, { ...options, stepRecords: 3 }, { ...context(), log: flaky })
  await until(run, 200)
  await run.stop()
  expect(await outputs()).toEqual(expected(200))
})
