/**
 * The rules on the gateway: the engine of the cloud over the readings of this gateway's devices, before they are committed.
 *
 *   drained ─► engine ─► alarm records and what the engine knows ─► one commit with the readings ─► receivers on the site
 *
 * An alarm is told once it is durable, and after `tellMsMax` in any case: a disk that hangs keeps nobody from hearing of it.
 */
import { activeAlarms, type EngineState, notificationKey, ownRules, type RuleFile, step } from '@millrace/alarms'
import type { AlarmRecord, EdgeAlarm, EdgeAlarms, TimelineRecord } from '@millrace/contract'
import type { Clock, Log, Metrics } from '@millrace/platform'
import type { Decided, Drained } from '../outbox/index.ts'
import type { RulesConfig } from './config.ts'
import { decodeMemory, encodeMemory, takeRules } from './memory.ts'
import { Messages } from './messages.ts'
import { Newest } from './newest.ts'
import { type Declared, declarationOf, recordsOf, roundedChannels } from './timeline.ts'

export interface LocalRulesOptions {
  config: RulesConfig
  /** The rules that a gateway can judge. */
  file: RuleFile
  /** Longest time between two calls of `take`. */
  commitEveryMs: number
}

export interface LocalRulesContext {
  devices: Declared[]
  /** Of the last commit. */
  memory: string | undefined
  clock: Clock
  log: Log
  metrics: Metrics
}

const tickMs = 1000
/** What samples alone changed, such as the past that a rate needs, is kept this often: a kill takes so much of it at most. */
const keepEveryMs = 10_000
const tellMsMax = 500
/** In one record. */
const alarmsMax = 100

export class LocalRules {
  readonly newest: Newest
  readonly #engine: EngineState
  readonly #messages: Messages
  readonly #context: LocalRulesContext
  readonly #rounded: Map<string, Set<string>>
  readonly #pauseMsMax: number
  #changes: AlarmRecord[]
  #tickMs: number
  /** Of the rules that are not at rest, as it was kept last. */
  #keptProgress = ''
  #keptMs = Number.NEGATIVE_INFINITY
  #tellMs = Number.POSITIVE_INFINITY

  constructor({ config, file, commitEveryMs }: LocalRulesOptions, context: LocalRulesContext) {
    const { devices, memory, clock, log } = context
    this.#context = context
    const { engine, untold } = decodeMemory(memory, file, log)
    this.#engine = engine
    this.#tickMs = clock.now()
    this.#pauseMsMax = Math.max(5 * tickMs, 2 * commitEveryMs)
    this.#messages = new Messages(config, untold, { ...context, activeCount: () => this.active().length })
    this.#rounded = new Map(devices.map((device) => [device.id, roundedChannels(device)]))
    this.newest = new Newest(devices)
    this.#changes = takeRules(engine, file, this.#tickMs)
    this.#step({ f: 1, k: 'tick', atMs: this.#tickMs })
    for (const device of devices) this.#step(declarationOf(device))
    this.#messages.tell()
  }

  /** Judges what was drained. Gives what is to be committed with it. */
  take(drained: Drained[]): Decided {
    const nowMs = this.#context.clock.now()
    for (const one of drained) {
      this.newest.take(one)
      for (const record of recordsOf(one, this.#rounded.get(one.device)!, nowMs)) this.#step(record)
    }
    this.#tick(nowMs)
    const changes = this.#changes.filter((alarm) => isTold(alarm))
    this.#changes = []
    if (changes.length > 0) this.#announce(changes)
    // A disk that hangs.
    if (this.#context.clock.monotonic() >= this.#tellMs) this.committed()
    return { alarms: this.#texts(changes, nowMs), ...this.#keep(changes.length > 0) }
  }

  /** What was taken last is durable, or the disk refused it. */
  committed(): void {
    if (this.#tellMs === Number.POSITIVE_INFINITY) return
    this.#tellMs = Number.POSITIVE_INFINITY
    this.#messages.tell()
  }

  /** Alarms that are active now, the newest first. */
  active(): AlarmRecord[] {
    return activeAlarms(this.#engine)
      .filter((alarm) => alarm.active && isOfRules(alarm))
      .sort((a, b) => b.raisedMs - a.raisedMs)
  }

  status() {
    return { rules: this.#engine.file.rules.length, active: this.active().length, untold: this.#messages.untold.length }
  }

  stop(): void {
    this.#messages.stop()
  }

  #step(record: TimelineRecord): void {
    const changes = step(this.#engine, record)
    if (changes.length > 0) this.#changes.push(...changes)
  }

  /** One a second, as the bridge has them; a pause of the process is one long one. */
  #tick(nowMs: number): void {
    if (Math.abs(nowMs - this.#tickMs) > this.#pauseMsMax) {
      this.#tickMs = nowMs
      return this.#step({ f: 1, k: 'tick', atMs: nowMs })
    }
    for (; this.#tickMs + tickMs <= nowMs; ) {
      this.#tickMs += tickMs
      this.#step({ f: 1, k: 'tick', atMs: this.#tickMs })
    }
  }

  #announce(changes: AlarmRecord[]): void {
    const { notifyCleared } = this.#engine.file
    const messages = changes.flatMap((alarm) => {
      const key = notificationKey(alarm, notifyCleared)
      return key === undefined ? [] : [{ key, alarm }]
    })
    for (const { id, change, text } of changes) this.#context.log.info('alarm', { id, change, text })
    this.#messages.add(messages)
    this.#tellMs = Math.min(this.#tellMs, this.#context.clock.monotonic() + tellMsMax)
  }

  #texts(changes: AlarmRecord[], decidedMs: number): string[] {
    const texts: string[] = []
    const { names: receivers } = this.#messages
    for (let from = 0; from < changes.length; from += alarmsMax) {
      const alarms = changes.slice(from, from + alarmsMax).map((alarm) => edgeAlarmOf(alarm, decidedMs, receivers))
      texts.push(JSON.stringify({ f: 1, alarms } satisfies EdgeAlarms))
    }
    return texts
  }

  #keep(isChanged: boolean): Pick<Decided, 'rules'> {
    const nowMs = this.#context.clock.monotonic()
    const progress = progressOf(this.#engine)
    const isDue = nowMs - this.#keptMs >= keepEveryMs
    if (!isDue && !isChanged && !this.#messages.isChanged && progress === this.#keptProgress) return {}
    this.#keptMs = nowMs
    this.#keptProgress = progress
    this.#messages.isChanged = false
    return { rules: encodeMemory({ engine: this.#engine, untold: [...this.#messages.untold] }) }
  }
}

/** Which delays run: what a sample may change without an alarm. */
function progressOf({ devices }: EngineState): string {
  let text = ''
  for (const { series, device } of devices)
    for (const { live, channel } of series)
      for (const { rule, sinceMs } of live.progress) if (sinceMs !== undefined) text += `${device}/${channel}/${rule}/${sinceMs};`
  return text
}

const own: string[] = Object.values(ownRules)

/** What the engine says of itself is of the cloud's engine only. */
function isOfRules({ rule, retrospective }: AlarmRecord): boolean {
  return !retrospective && !own.includes(rule)
}

function isTold(alarm: AlarmRecord): boolean {
  return isOfRules(alarm) && (alarm.change === 'raised' || alarm.change === 'cleared')
}

function edgeAlarmOf(alarm: AlarmRecord, decidedMs: number, receivers: string[]): EdgeAlarm {
  const { rule, device, channel, priority, technical, change, atMs, raisedMs, value, unit, state, text } = alarm
  const what = { rule, device, channel, priority, technical, change: change as EdgeAlarm['change'], atMs, raisedMs }
  return { ...what, value, unit, state, text, decidedMs, receivers }
}
