/**
 * What holds for the alarms of any rules, whatever sequence of samples, gaps and ticks comes. A failing run prints its seed and
 * the smallest counterexample.
 */
import type { AlarmRecord, TimelineRecord } from '@millrace/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEngine, encodeEngine } from '../engine.ts'
import { step } from '../step.ts'
import { declaration, engineOf, gap, readings, run, tick } from './records.ts'

export interface Given {
  /** On the channel `spo2`. */
  rules: object[]
  values: fc.Arbitrary<number>
  numRuns: number
  /** How long after a good sample it is judged: at once, or at the next tick. */
  judgedMs?: number
}

export function testProperties({ rules, values, numRuns, judgedMs = 0 }: Given): void {
  const events = eventsOf(values)
  const alarmsOf = (records: TimelineRecord[]) => run(engineOf(rules), records)
  const holds = (property: fc.IProperty<unknown>) => fc.assert(property, { numRuns })
  const testHolds = (title: string, property: unknown) => test(title, () => holds(property as fc.IProperty<unknown>))

  testHolds(
    'the same samples cut into other batches give the same alarms',
    fc.property(events, fc.array(fc.boolean(), { minLength: 1 }), (events, cuts) => {
      const records = timeline(events)
      const other = merged(records, (index) => cuts[index % cuts.length]!)
      expect(byLane(alarmsOf(other))).toEqual(byLane(alarmsOf(records)))
    }),
  )

  testHolds(
    'a replay gives the same alarms, also from a state saved and read back at any record',
    fc.property(events, fc.nat(), (events, place) => {
      const records = timeline(events)
      const expected = alarmsOf(records)
      expect(alarmsOf(records)).toEqual(expected)
      const middle = place % (records.length + 1)
      const first = engineOf(rules)
      const before = run(first, records.slice(0, middle))
      const second = decodeEngine(encodeEngine(first))
      expect([...before, ...run(second, records.slice(middle))]).toEqual(expected)
      expect(encodeEngine(second)).toEqual(encodeEngine(stateAfter(rules, records)))
    }),
  )

  testHolds(
    'absence in any form clears no alarm on a value',
    fc.property(events, fc.array(missing(values), { maxLength: 30 }), (events, rest) => {
      const judged = [...events.filter(({ k }) => k !== 'late'), ...(judgedMs > 0 ? [{ k: 'jump' as const, ms: judgedMs }] : [])]
      const records = timeline([...judged, ...rest])
      const count = timeline(judged).length
      const state = engineOf(rules)
      run(state, records.slice(0, count))
      const after = run(state, records.slice(count))
      expect(after.filter(({ change, technical }) => change === 'cleared' && !technical)).toEqual([])
    }),
  )

  testHolds(
    'late samples never change what the live lane says',
    fc.property(events, (events) => {
      const live = (alarms: AlarmRecord[]) => alarms.filter(({ retrospective }) => !retrospective)
      const without = timeline(events, ({ k }) => k !== 'late')
      expect(live(alarmsOf(timeline(events)))).toEqual(live(alarmsOf(without)))
    }),
  )

  testHolds(
    'an alarm is raised once, cleared once at most, and not before it was raised',
    fc.property(events, (events) => expectOneLife(alarmsOf(timeline(events)))),
  )

  testHolds(
    'a step leaves nothing in the state that JSON does not carry',
    fc.property(events, (events) => {
      const state = stateAfter(rules, timeline(events))
      expect(JSON.parse(JSON.stringify(state))).toEqual(state)
    }),
  )
}

type Event =
  | { k: 'sample'; v: number; q: number }
  | { k: 'late'; v: number; backMs: number }
  | { k: 'gap' }
  | { k: 'jump'; ms: number }

const absence = fc.record({ k: fc.constant('gap' as const) })
const jump = fc.record({ k: fc.constant('jump' as const), ms: fc.integer({ min: 1000, max: 9000 }) })

function eventsOf(v: fc.Arbitrary<number>): fc.Arbitrary<Event[]> {
  const sample = fc.record({ k: fc.constant('sample' as const), v, q: fc.constantFrom(0, 0, 0, 0, 1, 2) })
  const late = fc.record({ k: fc.constant('late' as const), v, backMs: fc.integer({ min: 11_000, max: 90_000 }) })
  const event = fc.oneof({ weight: 12, arbitrary: sample }, { weight: 2, arbitrary: late }, absence, jump)
  return fc.array(event, { maxLength: 120 })
}

function missing(v: fc.Arbitrary<number>): fc.Arbitrary<Event> {
  return fc.oneof(absence, jump, fc.record({ k: fc.constant('sample' as const), v, q: fc.constant(2) }))
}

export const startMs = 1_000_000

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

function stateAfter(rules: object[], records: TimelineRecord[]) {
  const state = engineOf(rules)
  for (const record of records) step(state, record)
  return state
}

/** A column is in time order, so its late samples come first: between the lanes another cut may be another order. */
const byLane = (alarms: AlarmRecord[]) => [
  alarms.filter(({ retrospective }) => !retrospective),
  alarms.filter(({ retrospective }) => retrospective),
]

function expectOneLife(alarms: AlarmRecord[]): void {
  const open = new Set<string>()
  const seen = new Set<string>()
  for (const { id, change, atMs, raisedMs } of alarms) {
    if (change === 'raised') expect(seen.has(id)).toBe(false)
    else expect(open.has(id)).toBe(true)
    expect(atMs).toBeGreaterThanOrEqual(raisedMs)
    seen.add(id)
    if (change === 'raised') open.add(id)
    else open.delete(id)
  }
}
