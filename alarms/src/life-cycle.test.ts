/**
 * The engine against the written table: random orders, samples, ticks and restarts, and a model that knows nothing but the table.
 * MILLRACE_LIFE_CYCLE_EVENTS=1000000 makes it run that many events.
 */
import { type AlarmRecord, type Control, deathReasons, type TimelineRecord } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeEngine, type EngineState, encodeEngine } from './engine.ts'
import { lifeCycle, notificationKey, transition } from './life-cycle.ts'
import { activeAlarms } from './list.ts'
import { step } from './step.ts'
import { control, death, declaration, engineOf, readings, run, spo2Low, tick } from './testing/records.ts'

const of = { rule: 'low', device: 'bed-1', channel: 'spo2' }
const low = { name: 'low', channel: 'spo2', condition: 'below', set: 88, clear: 90, priority: 'medium' }
const realarmAfterMs = 12_000
const shelveMsMax = 60_000
const eventCount = Number(process.env.MILLRACE_LIFE_CYCLE_EVENTS ?? 20_000)
const runLength = 60

const forS = { k: fc.constantFrom('timed' as const, 'silence' as const), s: fc.integer({ min: 1, max: 90 }) }
const words = [
  'raise',
  'clear',
  'acknowledge',
  'comment',
  'once',
  'unshelve',
  'remove',
  'return',
  'end',
  'wait',
  'restart',
] as const
const events = fc.array(
  fc.oneof({ weight: 10, arbitrary: fc.constantFrom(...words).map((k) => ({ k, s: 0 })) }, fc.record(forS)),
  {
    minLength: runLength,
    maxLength: runLength,
  },
)
type Event = { k: (typeof words)[number] | 'timed' | 'silence'; s: number }

test('the engine does what the table says, and tells people what it says', () => {
  const property = fc.property(events, (list) => {
    const model = new Model()
    let state = engineOf([{ ...low, realarmAfterMs }], { shelveMsMax })
    run(state, [tick(0), declaration([{}])])
    for (const [index, event] of list.entries()) {
      const nowMs = (index + 1) * 1000
      if (event.k === 'restart') state = decodeEngine(encodeEngine(state))
      const out = [tick(nowMs), ...recordsOf(event, nowMs, model)].flatMap((record) => step(state, record))
      const expected = [...model.take({ k: 'expire', s: 0 }, nowMs), ...model.take(event, nowMs)]
      const context = JSON.stringify(list.slice(0, index + 1))
      expect(out.filter(isAlarm).map(said), context).toEqual(expected)
      expectStored(state, model)
    }
  })
  fc.assert(property, { numRuns: Math.ceil(eventCount / runLength) })
})

const isAlarm = ({ id }: AlarmRecord) => !/\/[som]$/.test(id)
const said = (alarm: AlarmRecord) => `${alarm.change}${notificationKey(alarm, true) === undefined ? '' : ' told'}`

function recordsOf({ k, s }: Event, nowMs: number, { id }: Model): TimelineRecord[] {
  const order = (more: object) => [control({ by: 'Anna', ...more } as Control, nowMs)]
  if (k === 'raise') return [readings([nowMs], [80])]
  if (k === 'clear') return [readings([nowMs], [97])]
  if (k === 'acknowledge') return order({ type: k, alarm: id })
  if (k === 'comment') return order({ type: k, alarm: id, note: 'seen' })
  if (k === 'once') return order({ type: 'shelve', ...of })
  if (k === 'timed') return order({ type: 'shelve', ...of, untilMs: nowMs + s * 1000 })
  if (k === 'silence')
    return order({ type: k, id: 'ward', matchers: { devices: ['bed-*'] }, untilMs: nowMs + s * 1000, reason: 'x' })
  if (k === 'end') return order({ type: 'end-silence', id: 'ward' })
  if (k === 'unshelve') return order({ type: k, ...of })
  if (k === 'remove') return order({ type: 'out-of-service', ...of })
  return k === 'return' ? order({ type: 'in-service', ...of }) : []
}

/** One alarm at a time, and what holds it; it moves by the table alone. */
class Model {
  id = 'none'
  occurrence = 'none'
  shelving = 'none'
  service = 'in'
  silence = 'none'
  untilMs = 0
  silencedUntilMs = 0
  toldMs = 0
  /** People were told of the alarm of now, or of the last one. */
  isTold = false
  isActive = false

  take({ k, s }: { k: Event['k'] | 'expire'; s: number }, nowMs: number): string[] {
    if (k === 'expire') return this.passes(nowMs)
    // Sampled beyond the limit while active: nothing happens. A new alarm begins whether or not the last one was acknowledged.
    if (k === 'raise') return this.isActive ? [] : this.raise(nowMs)
    if (k === 'clear' && !this.isActive) return []
    return [...this.occurs(k), ...this.shelves(k, s, nowMs), ...this.serves(k, nowMs), ...this.silences(k, s, nowMs)]
  }

  private passes(nowMs: number): string[] {
    const changes = nowMs >= this.untilMs ? this.shelves('expire', 0, nowMs) : []
    if (nowMs >= this.silencedUntilMs) changes.push(...this.silences('expire', 0, nowMs))
    const isDue = this.isActive && this.isTold && !this.isHeld() && nowMs - this.toldMs >= realarmAfterMs
    const next = isDue && transition('occurrence', this.occurrence, 'realarm')
    if (!next) return changes
    this.toldMs = nowMs
    return [...changes, `${next[1]} told`]
  }

  private silences(k: string, s: number, nowMs: number): string[] {
    const was = this.silence
    const formerMs = this.silencedUntilMs
    const next = transition('silence', was, k)
    if (!next) return []
    this.silence = next[0]
    if (k === 'silence') this.silencedUntilMs = nowMs + s * 1000
    const isSame = was === next[0] && formerMs === this.silencedUntilMs
    return isSame ? [] : this.heldChange(next[1], nowMs)
  }

  private raise(nowMs: number): string[] {
    this.id = `${of.rule}/${of.device}/${of.channel}/${nowMs}`
    this.occurrence = transition('occurrence', 'none', 'raise')![0]
    this.isActive = true
    this.isTold = !this.isHeld()
    this.toldMs = nowMs
    if (this.isTold) return ['raised told']
    return [this.service === 'out' ? 'out-of-service' : this.shelving !== 'none' ? 'shelved' : 'silenced']
  }

  private occurs(k: string): string[] {
    const next = transition('occurrence', this.occurrence, k)
    if (!next) return []
    // Nobody has to acknowledge the end of what nobody was told of.
    this.occurrence = next[0] === 'ended' && !this.isTold ? 'none' : next[0]
    if (k === 'clear') this.isActive = false
    return [next[1] === 'cleared' && this.isTold ? 'cleared told' : next[1]]
  }

  private shelves(k: string, s: number, nowMs: number): string[] {
    const next = transition('shelving', this.shelving, k)
    if (!next) return []
    this.shelving = next[0]
    this.untilMs = nowMs + (k === 'timed' ? Math.min(s * 1000, shelveMsMax) : shelveMsMax)
    return this.heldChange(next[1], nowMs)
  }

  private serves(k: string, nowMs: number): string[] {
    const next = transition('service', this.service, k)
    if (!next) return []
    this.service = next[0]
    return this.heldChange(next[1], nowMs)
  }

  private heldChange(change: string, nowMs: number): string[] {
    if (!this.isActive) return []
    const isBack = !this.isHeld() && this.occurrence !== 'acknowledged'
    if (!isBack) return [change]
    this.toldMs = nowMs
    if (this.isTold) return [`${change} told`]
    this.isTold = true
    return [change, 'raised told']
  }

  private isHeld(): boolean {
    return this.shelving !== 'none' || this.service === 'out' || this.silence !== 'none'
  }
}

function expectStored(state: EngineState, model: Model): void {
  const open = activeAlarms(state).find(({ id }) => id === model.id)
  const isOpen = model.occurrence !== 'none'
  expect([open !== undefined, open?.active ?? false]).toEqual([isOpen, model.isActive])
  expect(state.holds?.length ?? 0).toBe(Number(model.shelving !== 'none') + Number(model.service === 'out'))
  expect([open?.shelved !== undefined, open?.outOfService === true]).toEqual(
    model.isActive ? [model.shelving !== 'none', model.service === 'out'] : [false, false],
  )
}

test('every state of the table is reached from the first one, and no event leads out of it', () => {
  for (const [region, table] of Object.entries(lifeCycle)) {
    const states = Object.keys(table)
    const reached = new Set([states[0]])
    for (const _ of states)
      for (const state of reached)
        for (const event of Object.keys(table[state as never] as object))
          reached.add(transition(region as keyof typeof lifeCycle, state!, event)![0])
    expect([...reached].toSorted(), region).toEqual(states.toSorted())
  }
})

describe('a silence', () => {
  const silence = (more: object = {}) =>
    ({
      by: 'Anna',
      type: 'silence',
      id: 'x',
      matchers: { groups: ['ward'] },
      reason: 'repair',
      untilMs: 9000,
      ...more,
    }) as Control
  const groups = [{ name: 'ward', devices: ['bed-1'] }]
  const started = () => {
    const state = engineOf([low], { groups })
    run(state, [tick(1000), declaration([{}]), declaration([{}], 'bed-2')])
    return state
  }

  test('is a record of its own, and holds the alarms that match it alone', () => {
    const state = started()
    const out = run(state, [control(silence(), 2000), readings([3000], [80]), readings([3000], [80], { device: 'bed-2' })])
    expect(out).toMatchObject([
      { id: 'x/m', change: 'silenced', actor: 'Anna', reason: 'repair', matchers: { groups: ['ward'] }, active: false },
      { device: 'bed-1', change: 'silenced', silenced: { untilMs: 9000 }, groups: ['ward'], unannounced: true },
      { device: 'bed-2', change: 'raised' },
    ])
    expect(run(state, [tick(5000), tick(9000)]).map(said)).toEqual(['unsilenced', 'unsilenced', 'raised told'])
    expect(state).not.toHaveProperty('silences')
  })

  test('without a reason, of the past, or beyond those there may be is refused', () => {
    const state = started()
    const many = Array.from({ length: 201 }, (_, k) => silence({ id: `${k}` }))
    run(
      state,
      [silence({ reason: ' ' }), silence({ untilMs: 2000 }), ...many].map((order) => control(order, 2000)),
    )
    expect([state.counts.refusedOrders, state.silences?.length]).toEqual([3, 200])
  })

  test('has a record of the engine of partition 0 alone', () => {
    const state = { ...started(), partition: 1 }
    expect(run(state, [control(silence(), 2000)])).toEqual([])
  })
})

describe('what is held', () => {
  const shelve = (more: object = {}) => ({ by: 'Anna', type: 'shelve', ...of, ...more }) as Control
  const started = (rule: object = low) => {
    const state = engineOf([rule])
    run(state, [tick(1000), declaration([{}])])
    return state
  }

  test('is a record of its own, with who, why and until when', () => {
    const out = run(started(), [control(shelve({ untilMs: 5000, reason: 'care' }), 2000), tick(4000), tick(5000)])
    expect(out).toMatchObject([
      {
        id: 'low/bed-1/spo2/2000/s',
        change: 'shelved',
        actor: 'Anna',
        reason: 'care',
        shelved: { untilMs: 5000 },
        active: false,
      },
      { id: 'low/bed-1/spo2/2000/s', change: 'unshelved', atMs: 5000, reason: 'its time is over' },
    ])
    expect(out[1]).not.toHaveProperty('shelved')
    expect(out[1]).not.toHaveProperty('actor')
  })

  test('with priority high is refused without a reason; so is what is past, and a rule that nobody knows', () => {
    const state = started({ ...low, priority: 'high' })
    const orders = [
      shelve(),
      shelve({ reason: ' ' }),
      shelve({ rule: 'other', reason: 'x' }),
      shelve({ untilMs: 2000, reason: 'x' }),
    ]
    expect(
      run(
        state,
        orders.map((order) => control(order, 2000)),
      ),
    ).toEqual([])
    expect(state.counts.refusedOrders).toBe(4)
    expect(run(state, [control(shelve({ reason: 'care' }), 2000)])).toHaveLength(1)
  })

  test('goes by the ticks of its own raw partition, and by the new time of a clock that was set back', () => {
    const state = started()
    run(state, [control(shelve({ untilMs: 10_000 }), 2000)])
    expect(step(state, tick(20_000), 1)).toEqual([])
    const backMs = 1_000_000
    const moved = engineOf([low])
    run(moved, [
      tick(backMs),
      declaration([{}]),
      control(shelve({ untilMs: backMs + 5000 }), backMs),
      tick(100_000),
      tick(104_000),
    ])
    expect(run(moved, [tick(105_000)])).toMatchObject([{ change: 'unshelved', atMs: 105_000 }])
  })

  test('of a rule that is removed ends', () => {
    const state = started()
    run(state, [control(shelve(), 2000)])
    const out = run(state, [control({ type: 'rules', by: 'test', rules: { rules: [spo2Low] } }, 3000)])
    expect(out).toMatchObject([{ change: 'unshelved', reason: 'the rule was removed' }])
    expect(state).not.toHaveProperty('holds')
  })

  test('the engine’s own alarms can be shelved', () => {
    const state = started()
    run(state, [control(shelve({ rule: 'ingest-gap', device: 'millrace', channel: 'partition-0', reason: 'upgrade' }), 2000)])
    expect(run(state, [tick(60_000)])).toMatchObject([{ rule: 'ingest-gap', change: 'shelved', unannounced: true }])
  })

  test('and suppressed at once is told of when neither holds it', () => {
    const state = engineOf([{ name: 'low', channel: 'spo2', condition: 'absent', afterMs: 2000 }])
    const dead = { ...death(1500), reason: deathReasons.node } as TimelineRecord
    run(state, [tick(1000), declaration([{}]), readings([1000], [97]), dead, control(shelve({ untilMs: 9000 }), 2000)])
    const out = run(
      state,
      [3, 4, 5].map((s) => tick(s * 1000)),
    )
    expect(out.map(({ change }) => change).toSorted()).toEqual(['raised', 'suppressed'])
    const back = run(state, [{ ...dead, k: 'birth', atMs: 5500 } as TimelineRecord, ...[6, 7, 8, 9].map((s) => tick(s * 1000))])
    expect(back.filter(isAlarm).map(said)).toEqual(['cleared told', 'unsuppressed', 'unshelved', 'raised told'])
  })
})
