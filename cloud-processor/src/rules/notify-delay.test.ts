/** Whatever waits, the process that notifies stays free for its other work. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, silentLog } from '@millrace/platform'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Log, openEmbeddedLog } from '../log/index.ts'
import { startReceiver } from './notifiers/testing/receiver.ts'
import { alarm, appendAlarms, ended, startNotifierProcess } from './testing/notifier.ts'

const delayMsMax = 500
const count = 3000
const readyMsMax = 20_000
let folder: string
let log: Log

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-notify-'))
  log = await openEmbeddedLog({ path: join(folder, 'log.sqlite') }, { log: silentLog, metrics: createMetrics() })
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A receiver that answers after 5 s, and a process that is asked to stop some seconds after it took the notification `readyAt`. */
async function watch(readyAt: string, { forMs = 2000, ...config }: { forMs?: number; lagMs?: number } = {}) {
  await log.close()
  const server = await startReceiver((_, response) => void setTimeout(() => response.end(), 5000))
  const run = startNotifierProcess(folder, server.url, { ...config, readyAt })
  await Promise.race([run.ready, pause(readyMsMax)])
  await pause(forMs)
  run.stop()
  const ended = await run.ended
  await server.close()
  return ended
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('notifications that cannot be decided yet do not hold the process up', { timeout: 60_000 }, async () => {
  const atMs = Date.now() - 3_600_000
  await appendAlarms(
    log,
    0,
    Array.from({ length: count }, (_, k) => alarm(`a${k}`, { atMs })),
  )
  const run = await watch('a2999#raised', { lagMs: 60_000 })
  expect(run, 'it did not stop when it was asked to').toBeDefined()
  expect(run!.delayMs).toBeLessThan(delayMsMax)
  expect(run!.states.filter(([, state]) => state === 'pending')).toHaveLength(count)
})

test('ends of alarms whose beginning waits do not hold the process up', { timeout: 60_000 }, async () => {
  await appendAlarms(log, 0, Array.from({ length: count }, (_, k) => [alarm(`a${k}`), ended(`a${k}`)]).flat())
  const run = await watch('a2999#cleared')
  expect(run, 'it did not stop when it was asked to').toBeDefined()
  expect(run!.delayMs).toBeLessThan(delayMsMax)
})

test('thousands that are withheld at once do not hold the process up', { timeout: 60_000 }, async () => {
  const atMs = Date.now() - 3_600_000
  await appendAlarms(log, 0, Array.from({ length: count }, (_, k) => [alarm(`a${k}`, { atMs }), ended(`a${k}`, { atMs })]).flat())
  const run = await watch('a2999#cleared', { forMs: 6000 })
  expect(run, 'it did not stop when it was asked to').toBeDefined()
  expect(run!.delayMs).toBeLessThan(delayMsMax)
  expect(run!.states.filter(([, state]) => state === 'withheld')).toHaveLength(2 * count)
})
