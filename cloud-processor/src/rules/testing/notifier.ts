/** What tests of the notifier share: a log with alarms in it, a notifier on it, and a notifier process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type AlarmRecord, type AlarmTopicRecord, encodeJson, topics } from '@millrace/contract'
import { type Clock, createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterEach, beforeEach } from 'vitest'
import { type Log, openEmbeddedLog } from '../../log/index.ts'
import { notifierSchema } from '../config.ts'
import { exampleAlarm } from '../notifiers/conformance.ts'
import { openNotifier } from '../notify.ts'

export function alarm(id: string, more: Partial<AlarmRecord> = {}): AlarmRecord {
  const atMs = more.atMs ?? Date.now()
  return exampleAlarm({ id, atMs, raisedMs: atMs, ...more })
}

export const ended = (id: string, more: Partial<AlarmRecord> = {}) => alarm(id, { change: 'cleared', active: false, ...more })

/** What the rules stage puts into the topic for these changes. @param offset of the timeline record that they are made from. */
export function appendAlarms(log: Log, offset: number, alarms: AlarmRecord[]): Promise<number> {
  const records = alarms.flatMap((alarm): AlarmTopicRecord[] => [
    alarm,
    { f: 1, k: 'notification', key: `${alarm.id}#${alarm.change}`, alarm },
  ])
  const source = { log: 'timeline', partition: 0, offset }
  return log.append(
    topics.alarms,
    0,
    records.map((record, index) => ({ key: 'anna', value: encodeJson(record), source: { ...source, index } })),
  )
}

/** A log of its own for each test of the file, in a folder; all that is in `closing` is closed before it, the last first. */
export function logForEachTest() {
  const closing: (() => Promise<unknown>)[] = []
  const each = { folder: '', log: undefined! as Log, offset: 0, closing, append, start, open }
  beforeEach(async () => {
    each.folder = mkdtempSync(join(tmpdir(), 'millrace-notifier-'))
    await open()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    await each.log.close().catch(() => {})
    rmSync(each.folder, { recursive: true })
  })
  return each

  async function open(): Promise<void> {
    each.log = await openEmbeddedLog({ path: join(each.folder, 'log.sqlite') }, { log: silentLog, metrics: createMetrics() })
  }

  function append(...alarms: AlarmRecord[]): Promise<number> {
    return appendAlarms(each.log, each.offset++, alarms)
  }

  /** A notifier of this configuration, which sends. */
  async function start(settings: object, { clock = systemClock, lagMs = () => 0 }: { clock?: Clock; lagMs?: () => number } = {}) {
    const config = { ...notifierSchema.parse(settings), path: join(each.folder, 'notifier.sqlite') }
    const metrics = createMetrics()
    const run = await openNotifier(config, { log: each.log, clock, logger: silentLog, metrics, lagMs })
    const sending = run.send()
    let closed: Promise<void> | undefined
    const close = () => {
      closed ??= sending.stop().then(run.close)
      return closed
    }
    closing.push(close)
    return { ...run, close, metrics, states: () => Object.fromEntries(run.list(1000).map(({ key, state }) => [key, state])) }
  }
}

export async function until(check: () => boolean, what = 'it'): Promise<void> {
  for (const endMs = Date.now() + 40_000; !check(); ) {
    if (Date.now() > endMs) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

interface Ended {
  states: [key: string, state: string][]
  /** Longest time that its event loop was held up. */
  delayMs: number
}

export interface NotifierProcess {
  child: ChildProcess
  /** Resolves when it has taken `readyAt`, or has ended. */
  ready: Promise<unknown>
  /** Undefined when it was killed. */
  ended: Promise<Ended | undefined>
  stop(): void
}

/** A process that does not stop when it is asked to is killed. */
export function startNotifierProcess(folder: string, url: string, config: object = {}): NotifierProcess {
  const args = [join(import.meta.dirname, 'notifier-process.ts'), folder, url, JSON.stringify(config)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  let last: string | undefined
  lines.on('line', (line) => {
    last = line
  })
  const ended = new Promise<Ended | undefined>((resolve) =>
    child.on('close', () => resolve(last?.startsWith('{') ? JSON.parse(last) : undefined)),
  )
  return {
    child,
    ready: Promise.race([once(lines, 'line'), ended]),
    ended,
    stop() {
      child.stdin.end()
      const kill = setTimeout(() => child.kill('SIGKILL'), 12_000)
      child.on('close', () => clearTimeout(kill))
    },
  }
}
