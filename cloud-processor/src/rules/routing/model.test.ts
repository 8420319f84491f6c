/**
 * Random sequences of alarms, acknowledgements, silences and time against a small model of who is told when. The receiver takes what it is
 * sent at once; the clock is the test's own.
 */
import type { AlarmRecord, AlarmTopicRecord } from '@millrace/contract'
import { encodeJson } from '@millrace/contract'
import { type Clock, silentLog } from '@millrace/platform'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exampleAlarm } from '../notifiers/conformance.ts'
import { type Outbox, openOutbox } from '../outbox.ts'
import { Dispatch } from './dispatch.ts'
import { compileRoutes } from './routes.ts'

const [waitMs, intervalMs, afterMs, messagesPerMinute] = [5000, 30_000, 120_000, 10]
const targets = ['nurse', 'doctor']
const route = { to: ['nurse'], waitMs, intervalMs, escalate: [{ afterMs, to: ['doctor'] }] }
/** What is not urgent waits for its group, and where there were many messages for a place in a minute. */
const lateMsMax = { high: 2000, low: intervalMs + 60_000 + 2000 }

const alarmNames = ['a', 'b', 'c', 'd', 'e', 'f']
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ k: fc.constant('raise' as const), a: fc.constantFrom(...alarmNames), s: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      k: fc.constantFrom('clear', 'acknowledge', 'silence', 'unsilence'),
      a: fc.constantFrom(...alarmNames),
      s: fc.nat(1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ k: fc.constant('wait' as const), a: fc.constant(''), s: fc.integer({ min: 1, max: 90 }) }),
  },
)

interface Told {
  atMs: number
  target: string
  key: string
  isUrgent: boolean
}

/** One life of an alarm as the model knows it. */
interface Life {
  alarm: AlarmRecord
  /** Times at which it began or ceased to want telling: active, not acknowledged, nothing holds it. */
  wants: { fromMs: number; toMs: number }[]
  endMs?: number
}

test('people are told of what wants telling in time, of nothing else, and once', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 60 }), async (events) => {
      const world = new World()
      for (const one of events) await world.take(one)
      await world.pass(400)
      world.check()
    }),
    { numRuns: Number(process.env.MILLRACE_ROUTING_RUNS ?? 40) },
  )
})

/** Turns of the event loop pass; waits do not. */
function after(ms: number, call: () => void): () => void {
  if (ms === 0) setImmediate(call)
  return () => {}
}

class World {
  nowMs = 1_700_000_000_000
  offset = 0
  readonly outbox: Outbox
  readonly dispatch: Dispatch
  readonly told: Told[] = []
  readonly messages: { atMs: number; target: string; isUrgent: boolean }[] = []
  readonly lives: Life[] = []
  readonly active = new Map<string, Life>()
  readonly readTo = new Map<string, number>()

  constructor() {
    const routes = compileRoutes(route, [])
    const clock = { now: () => this.nowMs, monotonic: () => this.nowMs, after } as unknown as Clock
    this.outbox = openOutbox({ path: ':memory:', targets, routes, queueMax: 1000, historyMax: 10_000 }, silentLog, 0)
    const context = { outbox: this.outbox, routes, messagesPerMinute, pageAgeMaxMs: 60_000, clock, logger: silentLog }
    // Its own loop does nothing: turns are the test's.
    this.dispatch = new Dispatch({ ...context, isCaughtUp: () => true, isLeaseHeld: () => false, made() {} })
  }

  async take({ k, a, s }: { k: string; a: string; s: number }): Promise<void> {
    if (k === 'wait') return this.pass(s)
    const life = this.active.get(a)
    if (k === 'raise' && !life) this.raise(a, s)
    else if (k !== 'raise' && life) this.change(a, life, k)
    await this.pass(1)
  }

  private raise(a: string, s: number): void {
    const id = `${a}/${this.nowMs}`
    const alarm = exampleAlarm({ id, device: a, priority: s ? 'high' : 'low', atMs: this.nowMs, raisedMs: this.nowMs })
    const life = { alarm, wants: [{ fromMs: this.nowMs, toMs: Infinity }] }
    this.lives.push(life)
    this.active.set(a, life)
    this.append(alarm, `${id}#raised`)
  }

  private change(a: string, life: Life, k: string): void {
    const { silenced, ...alarm } = life.alarm
    const wanted = !alarm.acknowledged && !silenced
    const isSo = {
      clear: false,
      acknowledge: alarm.acknowledged,
      silence: silenced !== undefined,
      unsilence: silenced === undefined,
    }
    if (isSo[k as keyof typeof isSo]) return
    const next = {
      clear: { ...alarm, change: 'cleared', active: false, clearedMs: this.nowMs },
      acknowledge: { ...life.alarm, change: 'acknowledged', acknowledged: true },
      silence: { ...alarm, change: 'silenced', silenced: { untilMs: 9e15 } },
      unsilence: { ...alarm, change: 'unsilenced' },
    }[k] as AlarmRecord
    life.alarm = { ...next, atMs: this.nowMs }
    const wants = next.active && !next.acknowledged && !next.silenced
    if (wanted && !wants) life.wants.at(-1)!.toMs = this.nowMs
    if (!wanted && wants) life.wants.push({ fromMs: this.nowMs, toMs: Infinity })
    if (k === 'clear') {
      life.endMs = this.nowMs
      this.active.delete(a)
    }
    const isTold = k === 'clear' || (k === 'unsilence' && wants)
    const key = k === 'clear' ? `${next.id}#cleared` : `${next.id}#unsilenced@${this.nowMs}`
    this.append(life.alarm, isTold ? key : undefined)
  }

  private append(alarm: AlarmRecord, key?: string): void {
    const records: AlarmTopicRecord[] = [alarm, ...(key ? [{ f: 1 as const, k: 'notification' as const, key, alarm }] : [])]
    const made = records.map((record) => ({ offset: this.offset++, key: 'x', value: encodeJson(record), timeMs: 0 }))
    this.outbox.take('log', 0, made)
  }

  async pass(seconds: number): Promise<void> {
    for (let tick = 0; tick < seconds * 2; tick++) {
      await this.dispatch.turn()
      for (const target of targets) this.receive(target)
      this.nowMs += 500
    }
  }

  private receive(target: string): void {
    for (const { seq } of this.outbox.waiting(target, this.readTo.get(target) ?? 0, 1000)) {
      this.readTo.set(target, seq)
      const message = this.outbox.read(seq)!
      const isUrgent = message.alarm.priority === 'high'
      this.messages.push({ atMs: this.nowMs, target, isUrgent })
      const members = message.count ? this.outbox.members.keysOf(seq) : [message]
      for (const { key } of members) this.told.push({ atMs: this.nowMs, target, key, isUrgent })
      this.outbox.record([{ seq, state: 'sent', attempts: 1, sentMs: this.nowMs }])
    }
  }

  check(): void {
    const keys = this.told.map(({ target, key }) => `${target} ${key}`)
    expect(new Set(keys).size, 'told twice').toBe(keys.length)
    for (const life of this.lives) this.checkLife(life)
    for (const { atMs, target } of this.messages.filter(({ isUrgent }) => !isUrgent)) {
      const inMinute = this.messages.filter((one) => one.target === target && one.atMs <= atMs && one.atMs > atMs - 60_000)
      expect(inMinute.length, 'messages in a minute before one that is not urgent').toBeLessThanOrEqual(messagesPerMinute)
    }
  }

  private checkLife({ alarm, wants, endMs }: Life): void {
    const { id, priority } = alarm
    const isWanted = (ms: number) => wants.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs)
    const beginnings = this.told.filter(
      ({ key, target }) => key.startsWith(`${id}#`) && !key.endsWith('#cleared') && target === 'nurse',
    )
    const lateMax = lateMsMax[priority as 'high' | 'low']
    for (const { fromMs, toMs } of wants)
      if (toMs - fromMs > lateMax)
        expect(
          beginnings.some(({ atMs }) => atMs >= fromMs && atMs <= fromMs + lateMax),
          `${id} told in time`,
        ).toBe(true)
    for (const { atMs, key } of beginnings)
      if (atMs < (endMs ?? Infinity)) expect(isWanted(atMs), `${key} told at ${atMs}`).toBe(true)
    for (const target of targets) this.checkEnd(id, endMs, target)
    this.checkEscalation(id, wants)
  }

  private checkEnd(id: string, endMs: number | undefined, target: string): void {
    const begins = this.told.findIndex(
      (one) => one.target === target && one.key.startsWith(`${id}#`) && !one.key.endsWith('#cleared'),
    )
    const ends = this.told.findIndex((one) => one.target === target && one.key === `${id}#cleared`)
    expect(ends >= 0, `end of ${id} told to ${target}`).toBe(begins >= 0 && endMs !== undefined)
  }

  private checkEscalation(id: string, wants: Life['wants']): void {
    const first = this.told.find(({ key }) => key.startsWith(`${id}#`))
    const escalated = this.told.find(({ key, target }) => key.startsWith(`${id}#escalated`) && target === 'doctor')
    if (escalated) expect(escalated.atMs - first!.atMs).toBeGreaterThanOrEqual(afterMs)
    const dueMs = first && first.atMs + afterMs
    const isDue = dueMs !== undefined && wants.some(({ fromMs, toMs }) => fromMs <= dueMs && toMs > dueMs + lateMsMax.low)
    if (isDue) expect(escalated, `${id} escalated`).toBeDefined()
  }
}
