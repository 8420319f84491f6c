/** What tests of the notifier share: a log with alarms in it, and a notifier process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type AlarmRecord, type AlarmTopicRecord, encodeJson, topics } from '@millrace/contract'
import type { Log } from '../../log/index.ts'
import { exampleAlarm } from '../notifiers/conformance.ts'

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
