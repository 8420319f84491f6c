/**
 * What every condition must do, as a test suite that each plug-in's test runs in the engine itself:
 *
 * - values raise, keep and clear as the example says, whatever the channel's scale; none both raises and clears;
 * - the delays count event time; silence is raised at its time and cleared by the next good sample alone;
 * - an override means what a rule of its own would, and a rule that cannot be meant is refused, in overrides as well;
 * - what a condition keeps of earlier samples is bounded, stored, and is empty where the past is another one's;
 * - whatever comes, one step or many, a state saved and read back, late data and absence give what they must
 *   (`../testing/properties.ts`).
 */
import type { AlarmRecord, Channel, TimelineRecord } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ruleFileSchema } from '../rule-file.ts'
import { testProperties } from '../testing/properties.ts'
import { brief, control, declaration, engineOf, readings, run, tick } from '../testing/records.ts'
import type { Condition, MemoryCondition, ScoreCondition, SilenceCondition, ValueCondition } from './condition.ts'
import { rawValue } from './scaling.ts'

export interface ValueExample {
  /** A rule's own keys; the values below are judged by them. */
  keys: object
  /** Other keys, by which no value below raises. */
  quiet: object
  /** Keys that cannot be meant. */
  faulty: object[]
  raises: number[]
  /** Neither raises at rest nor clears what is raised. */
  keeps: number[]
  clears: number[]
  /** What the alarm says of the first value that raises, in %. */
  text: string
}

export interface SequenceExample {
  keys: object
  /** Other keys, by which no scene raises. */
  quiet: object
  faulty: object[]
  /** Keys to which a rule lacks others. */
  incomplete?: object[]
  /** What comes of values that nothing came before, one each half second: `raised 87`. The first scene raises. */
  scenes: { values: number[]; changes: string[] }[]
  /** What the first alarm of the first scene says, in %. */
  text: string
  isTechnical?: boolean
}

export interface SilenceExample {
  keys: object
  quiet: object
  silentMs: number
  /** What the alarm says. */
  text: string
}

const numRuns = 100
const second = 1000
const halfSecond = 500
/** Of one rule at one series, as JSON. */
const memoryBytesMax = 16_384

export function testValueCondition(condition: ValueCondition, example: ValueExample): void {
  const { keys, raises, keeps, clears } = example
  const rule = ruleOf(condition, keys)
  const values = [...raises, ...keeps, ...clears]
  describe(condition.name, () => {
    test.each(raises)('%d raises an alarm that stays until a value clears it', (value) => {
      expect(changes(rule, [value, ...raises, ...keeps, value])).toEqual([`raised ${value}`])
      for (const end of clears) expect(changes(rule, [value, ...keeps, end])).toEqual([`raised ${value}`, `cleared ${end}`])
      expect(changes(rule, [...keeps, ...clears, ...keeps])).toEqual([])
    })

    test('the channel’s scale, a negative one too, changes nothing', () => {
      const all = [...values, ...values.toReversed(), ...values]
      for (const scale of [0.1, -0.1, -1, 0.5]) {
        const scaled = { scale, offset: 7 }
        expect(changes(rule, all, scaled)).toEqual(changes(rule, all))
      }
    })

    test('it is raised when it has held for delayOnMs, and clears when it was back for delayOffMs', () => {
      const delayed = { ...rule, delayOnMs: 1500, delayOffMs: 2500 }
      const [on, off] = [raises[0]!, clears[0]!]
      const alarms = run(engineOf([delayed]), [samples([on, off, on, on, on, off, off, off, off], { everyMs: 1000 })])
      expect(alarms.map(({ change, atMs }) => [change, atMs])).toEqual([
        ['raised', 4500],
        ['cleared', 9000],
      ])
    })

    test('it says what it is', () => {
      const says = (more: object) => run(engineOf([{ ...rule, ...more }]), [declaration([{}]), readings([1], [raises[0]!])])
      expect(says({})).toMatchObject([{ text: example.text, technical: false, unit: '%', value: raises[0] }])
      expect(says({ text: '{value} {unit}, {seconds} s' })[0]!.text).toBe(`${raises[0]} %, 0 s`)
    })

    testRule(condition, example, values)
  })
}

export function testMemoryCondition(condition: MemoryCondition, example: SequenceExample): void {
  const { keys, scenes, text, isTechnical = false } = example
  const rule = ruleOf(condition, keys)
  const { values } = scenes[0]!
  const scene = (fromMs: number, more: object = {}) => samples(values, { everyMs: halfSecond, fromMs, ...more })
  const memoryOf = (records: TimelineRecord[]) => {
    const state = engineOf([rule])
    run(state, records)
    return state.devices[0]!.series[0]!.live.memory
  }
  describe(condition.name, () => {
    test.each(scenes)('$values: $changes, whatever the channel’s scale', ({ values, changes: expected }) => {
      for (const scale of [1, 0.1, -0.1, -1, 0.5])
        expect(changes(rule, values, { scale, offset: 7 }, halfSecond)).toEqual(expected)
    })

    test('it says what it is', () => {
      const [alarm] = run(engineOf([rule]), [declaration([{}]), scene(0)])
      expect(alarm).toMatchObject({ text, technical: isTechnical })
    })

    test('its memory is stored with the first sample, is plain data and has a bound', () => {
      const state = engineOf([rule])
      const { live } = state.devices[0]?.series[0] ?? { live: {} }
      expect(live).not.toHaveProperty('memory')
      for (let k = 0; k < 300; k++) run(state, [scene(k * 100_000), scene(k * 100_000 + 50_000)])
      const [memory] = state.devices[0]!.series[0]!.live.memory!
      expect(JSON.parse(JSON.stringify(memory))).toEqual(memory)
      expect(JSON.stringify(memory).length).toBeLessThanOrEqual(memoryBytesMax)
    })

    test('it is empty after another subject, another scale, a clock that was set back, and with other rules', () => {
      const [first, then] = [declaration([{}]), values.length * halfSecond]
      const one = samples(values.slice(0, 1), { everyMs: halfSecond, fromMs: then })
      const fresh = memoryOf([first, one])
      expect(memoryOf([first, scene(0), one])).not.toEqual(fresh)
      expect(memoryOf([first, scene(0, { subject: 'anna' }), one])).toEqual(fresh)
      expect(memoryOf([declaration([{ scale: 3 }]), scene(0), first, one])).toEqual(fresh)
      expect(memoryOf([tick(then + 6000), first, scene(then + 6000), tick(then), one])).toEqual(fresh)
      const others = (rules: object[]) => control({ by: 'test', type: 'rules', rules: { rules } }, then)
      expect(memoryOf([first, scene(0), others([{ ...rule, name: 'other' }]), others([rule]), one])).toEqual(fresh)
      expect(memoryOf([first, scene(0), others([{ ...rule, priority: 'low' }])])).toEqual(memoryOf([first, scene(0)]))
    })

    test('late data has a memory of its own', () => {
      const live = [tick(1e9), declaration([{}]), scene(1e9)]
      expect(memoryOf([...live, scene(0)])).toEqual(memoryOf(live))
    })

    test('a rule that lacks keys is refused', () => {
      for (const some of example.incomplete ?? []) expect(faultsOf(ruleOf(condition, some))).toHaveLength(1)
    })

    testRule(condition, example, values, halfSecond)
  })
}

/** @param values of the channel `spo2`, which alone is scored; the last one raises. */
export function testScoreCondition(
  condition: ScoreCondition,
  example: { keys: object; quiet: object; faulty: object[] },
  values: number[],
) {
  describe(condition.name, () => testRule(condition, example, values, halfSecond))
}

export function testSilenceCondition(condition: SilenceCondition, example: SilenceExample): void {
  const { keys, silentMs, text } = example
  const rule = ruleOf(condition, keys)
  const last = 10 * second
  const ticksTo = (toMs: number) => Array.from({ length: (toMs - last) / second }, (_, i) => tick(last + (i + 1) * second))
  const quietFor = (ms: number) => {
    const state = engineOf([rule])
    return { state, alarms: run(state, [tick(last), declaration([{}]), readings([last], [97]), ...ticksTo(last + ms)]) }
  }
  describe(condition.name, () => {
    test('silence is raised at its time, and not before', () => {
      expect(quietFor(silentMs - second).alarms).toEqual([])
      const { alarms } = quietFor(silentMs)
      expect(alarms).toMatchObject([{ change: 'raised', atMs: last + silentMs, technical: true, text }])
      expect(alarms[0]).not.toHaveProperty('value')
    })

    test('a bad sample is silence as well; the next good one, whatever its value, clears', () => {
      const { state } = quietFor(silentMs)
      const at = last + silentMs
      expect(run(state, [readings([at + 1], [97], { q: [2] })])).toEqual([])
      expect(brief(run(state, [readings([at + 2], [-1])]))).toEqual([`cleared rule/bed-1/spo2/${at} @${at + 2}`])
    })

    test('late data does not end it', () => {
      const { state } = quietFor(silentMs)
      expect(run(state, [readings([1], [97], { receivedMs: last })])).toEqual([])
    })

    testRule(condition, { ...example, faulty: [] }, [96, 97])
  })
}

/** What a condition of either kind must do. */
function testRule(
  condition: Condition,
  example: Pick<ValueExample, 'keys' | 'quiet' | 'faulty'>,
  values: number[],
  everyMs?: number,
): void {
  const { keys, quiet, faulty } = example
  const rule = ruleOf(condition, keys)

  test('an override means what a rule of its own would, and holds for nobody else', () => {
    const override = { ...ruleOf(condition, quiet), overrides: [{ devices: ['bed-1'], ...keys }] }
    const day = (device: string) => [
      tick(0),
      declaration([{}], device),
      samples([...values, ...values], { device, everyMs }),
      ...Array.from({ length: 60 }, (_, i) => tick((i + 1) * second)),
    ]
    const alarms = run(engineOf([rule]), day('bed-1'))
    expect(alarms).not.toEqual([])
    expect(run(engineOf([override]), day('bed-1'))).toEqual(alarms)
    expect(run(engineOf([override]), day('bed-2'))).toEqual([])
  })

  test('a key that it does not know is refused, and so is a rule that cannot be meant', () => {
    expect(faultsOf(rule)).toEqual([])
    expect(faultsOf({ ...rule, colour: 1 })).toHaveLength(1)
    for (const wrong of faulty) {
      const [fault] = faultsOf(ruleOf(condition, wrong))
      expect(fault).toBeTypeOf('string')
      expect(faultsOf({ ...rule, overrides: [{ devices: ['x'], ...wrong }] })).toEqual([`override 1: ${fault}`])
    }
  })

  testProperties({
    rules: [rule, delayedOf(condition, rule)],
    values: fc.constantFrom(...values),
    numRuns,
    ...(condition.watches === 'subject' ? { judgedMs: second } : {}),
  })
}

function ruleOf({ name, watches }: Condition, keys: object) {
  return { name: 'rule', channel: watches === 'subject' ? 'score' : 'spo2', condition: name, ...keys }
}

function delayedOf({ watches }: Condition, rule: object) {
  if (watches === 'subject') return { ...rule, name: 'delayed', channel: 'delayed', delayOnMs: 1500, delayOffMs: 1000 }
  return { ...rule, name: 'delayed', ...(watches === 'silence' ? {} : { delayOnMs: 1500, delayOffMs: 1000 }) }
}

function faultsOf(rule: object): string[] {
  return ruleFileSchema.safeParse({ rules: [rule] }).error?.issues.map(({ message }) => message) ?? []
}

interface Samples {
  everyMs?: number | undefined
  fromMs?: number
  device?: string
  subject?: string
}

function samples(values: number[], { everyMs = 100, fromMs = 0, ...more }: Samples) {
  const t = values.map((_, i) => fromMs + (i + 1) * everyMs)
  return readings(t, values, { ...more, receivedMs: fromMs + everyMs })
}

/** `raised 87`, in the channel's unit. */
function changes(rule: object, values: number[], scaling: Pick<Channel, 'scale' | 'offset'> = {}, everyMs?: number): string[] {
  const raw = values.map((value) => rawValue(value, { scale: 1, offset: 0, ...scaling }))
  const alarms: AlarmRecord[] = run(engineOf([rule]), [declaration([scaling]), samples(raw, { everyMs })])
  return alarms.map(({ change, value }) => `${change} ${value}`)
}
