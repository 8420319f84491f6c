/** What holds for every sequence of samples, gaps and ticks. A failing run prints its seed and the smallest counterexample. */
import type { AlarmRecord, TimelineRecord } from '@millrace/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEngine, encodeEngine } from './engine.ts'
import { declaration, engineOf, gap, readings, run, tick } from './records.testing.ts'
import { step } from './step.ts'

const rules = [
  { name: 'low', channel: 'spo2', condition: 'below', set: 88, clear: 90, delayOnMs: 1500, delayOffMs: 1000 },
  { name: 'range', channel: 'spo2', condition: 'outside', low: 86, high: 95, hysteresis: 1 },
  { name: 'silent', channel: 'spo2', condition: 'absent', afterMs: 4000 },
]
const startMs = 1_000_000
const quick = { numRuns: 300 }

type Event =
  | { k: 'sample'; v: number; q: number }
  | { k: 'late'; v: number; backMs: number }
  | { k: 'gap' }
  | { k: 'jump'; ms: number }

const sample = fc.record({
  k: fc.constant('sample' as const),
  v: fc.integer({ min: 83, max: 98 }),
  q: fc.constantFrom(0, 0, 0, 0, 1, 2),
})
const late = fc.record({
  k: fc.constant('late' as const),
  v: fc.integer({ min: 83, max: 98 }),
  backMs: fc.integer({ min: 11_000, max: 90_000 }),
})
const absence = fc.record({ k: fc.constant('gap' as const) })
const jump = fc.record({ k: fc.constant('jump' as const), ms: fc.integer({ min: 1000, max: 9000 }) })
const events = fc.array(fc.oneof({ weight: 12, arbitrary: sample }, { weight: 2, arbitrary: late }, absence, jump), {
  maxLength: 120,
})

/** A device that samples twice a second under a tick a second; jumps let samples pause while ticks go on. */
function timeline(events: Event[], isKept: (event: Event) => boolean = () => true): TimelineRecord[] {
  const records: TimelineRecord[] = [tick(startMs), declaration([{}])]
  let nowMs = startMs
  const advance = (ms: number) => {
    for (let at = Math.floor(nowMs / 1000) + 1; at * 1000 <= nowMs + ms; at++) records.push(tick(at * 1000))
    nowMs += ms
  }
  for (const event of events) {
    if (event.k === 'jump') advance(event.ms)
    if (event.k === 'sample') advance(500)
    if (!isKept(event)) continue
    if (event.k === 'sample') records.push(readings([nowMs], [event.v], { q: [event.q] }))
    if (event.k === 'late') records.push(readings([nowMs - event.backMs], [event.v], { receivedMs: nowMs }))
    if (event.k === 'gap') records.push(gap(nowMs + 1))
  }
  return records
}

/** Neighbouring readings in one record: another cut of the same samples. */
function merged(records: TimelineRecord[], isJoined: (index: number) => boolean): TimelineRecord[] {
  const result: TimelineRecord[] = []
  for (const [index, record] of records.entries()) {
    const former = result.at(-1)
    if (record.k !== 'readings' || former?.k !== 'readings' || !isJoined(index)) result.push(structuredClone(record))
    else {
      const [to, from] = [former.channels.spo2!, record.channels.spo2!]
      to.q = [...(to.q ?? to.t.map(() => 0)), ...(from.q ?? from.t.map(() => 0))]
      to.t.push(...from.t)
      to.v.push(...from.v)
    }
  }
  return result
}

const alarmsOf = (records: TimelineRecord[]) => run(engineOf(rules), records)

/** A column is in time order, so its late samples come first: between the lanes another cut may be another order. */
const byLane = (alarms: AlarmRecord[]) => [
  alarms.filter(({ retrospective }) => !retrospective),
  alarms.filter(({ retrospective }) => retrospective),
]

test('the same samples cut into other batches give the same alarms', () => {
  fc.assert(
    fc.property(events, fc.array(fc.boolean(), { minLength: 1 }), (events, cuts) => {
      const records = timeline(events)
      const other = merged(records, (index) => cuts[index % cuts.length]!)
      expect(byLane(alarmsOf(other))).toEqual(byLane(alarmsOf(records)))
    }),
    quick,
  )
})

test('samples of many channels cut by time give the same alarms in the same order', () => {
  const two = [rules[1]!, { ...rules[1]!, name: 'other', channel: 'pr' }]
  const cut = (v: number[][], size: number) => {
    const records: TimelineRecord[] = []
    for (let at = 0; at < v.length; at += size) {
      const part = v.slice(at, at + size)
      const t = part.map((_, i) => startMs + at + i)
      const column = (channel: 0 | 1) => ({ t, v: part.map((pair) => pair[channel]!) })
      const record = readings(t, [])
      if (record.k === 'readings') record.channels = { spo2: column(0), pr: column(1) }
      records.push(record)
    }
    return run(engineOf(two), records)
  }
  const pair = fc.array(fc.integer({ min: 83, max: 98 }), { minLength: 2, maxLength: 2 })
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (v, size) => {
      expect(cut(v, size)).toEqual(cut(v, 1))
    }),
    quick,
  )
})

test('a replay gives the same alarms, also from a state saved and read back at any record', () => {
  fc.assert(
    fc.property(events, fc.nat(), (events, place) => {
      const records = timeline(events)
      const expected = alarmsOf(records)
      expect(alarmsOf(records)).toEqual(expected)
      const middle = place % (records.length + 1)
      const first = engineOf(rules)
      const before = run(first, records.slice(0, middle))
      const second = decodeEngine(encodeEngine(first))
      expect([...before, ...run(second, records.slice(middle))]).toEqual(expected)
    }),
    quick,
  )
})

test('inside the band nothing changes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 880, max: 899 }), { maxLength: 100 }), fc.boolean(), (band, isRaised) => {
      const state = engineOf([{ ...rules[0]!, delayOnMs: 0, delayOffMs: 0 }])
      run(state, [readings([1], [isRaised ? 80 : 97])])
      const t = band.map((_, i) => 2 + i)
      const v = band.map((tenths) => tenths / 10)
      expect(run(state, [readings(t, v)])).toEqual([])
    }),
    quick,
  )
})

test('absence in any form clears no alarm on a value', () => {
  const missing = fc.oneof(absence, jump, fc.record({ k: fc.constant('sample' as const), v: fc.constant(97), q: fc.constant(2) }))
  fc.assert(
    fc.property(events, fc.array(missing, { maxLength: 30 }), (events, rest) => {
      const records = timeline([...events.filter(({ k }) => k !== 'late'), ...rest])
      const count = timeline(events.filter(({ k }) => k !== 'late')).length
      const state = engineOf(rules)
      run(state, records.slice(0, count))
      const after = run(state, records.slice(count))
      expect(after.filter(({ change, technical }) => change === 'cleared' && !technical)).toEqual([])
    }),
    quick,
  )
})

test('late samples never change what the live lane says', () => {
  const live = (alarms: AlarmRecord[]) => alarms.filter(({ retrospective }) => !retrospective)
  fc.assert(
    fc.property(events, (events) => {
      const without = timeline(events, ({ k }) => k !== 'late')
      expect(live(alarmsOf(timeline(events)))).toEqual(live(alarmsOf(without)))
    }),
    quick,
  )
})

test('an alarm is raised once, cleared once at most, and not before it was raised', () => {
  fc.assert(
    fc.property(events, (events) => {
      const open = new Set<string>()
      const seen = new Set<string>()
      for (const { id, change, atMs, raisedMs } of alarmsOf(timeline(events))) {
        if (change === 'raised') expect(seen.has(id)).toBe(false)
        else expect(open.has(id)).toBe(true)
        expect(atMs).toBeGreaterThanOrEqual(raisedMs)
        seen.add(id)
        if (change === 'raised') open.add(id)
        else open.delete(id)
      }
    }),
    quick,
  )
})

test('a step leaves nothing in the state that JSON does not carry', () => {
  fc.assert(
    fc.property(events, (events) => {
      const state = engineOf(rules)
      for (const record of timeline(events)) step(state, record)
      expect(JSON.parse(JSON.stringify(state))).toEqual(state)
    }),
    quick,
  )
})
