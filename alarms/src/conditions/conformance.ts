/**
 * What every condition must do, as a test suite that each plug-in's test runs in the engine itself:
 *
 * - values raise, keep and clear as the example says, whatever the channel's scale; none both raises and clears;
 * - the delays count event time; silence is raised at its time and cleared by the next good sample alone;
 * - an override means what a rule of its own would, and a rule that cannot be meant is refused, in overrides as well;
 * - whatever comes, one step or many, a state saved and read back, late data and absence give what they must
 *   (`../testing/properties.ts`).
 */
import type { AlarmRecord, Channel } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ruleFileSchema } from '../rule-file.ts'
import { testProperties } from '../testing/properties.ts'
import { brief, declaration, engineOf, readings, run, tick } from '../testing/records.ts'
import type { Condition, SilenceCondition, ValueCondition } from './condition.ts'
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

export interface SilenceExample {
  keys: object
  quiet: object
  silentMs: number
  /** What the alarm says. */
  text: string
}

const numRuns = 100
const second = 1000

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
function testRule(condition: Condition, example: Pick<ValueExample, 'keys' | 'quiet' | 'faulty'>, values: number[]): void {
  const { keys, quiet, faulty } = example
  const rule = ruleOf(condition, keys)

  test('an override means what a rule of its own would, and holds for nobody else', () => {
    const override = { ...ruleOf(condition, quiet), overrides: [{ devices: ['bed-1'], ...keys }] }
    const day = (device: string) => [
      tick(0),
      declaration([{}], device),
      samples([...values, ...values], { device }),
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

  testProperties({ rules: [rule, delayedOf(condition, rule)], values: fc.constantFrom(...values), numRuns })
}

function ruleOf({ name }: Condition, keys: object) {
  return { name: 'rule', channel: 'spo2', condition: name, ...keys }
}

function delayedOf({ watches }: Condition, rule: object) {
  return { ...rule, name: 'delayed', ...(watches === 'values' ? { delayOnMs: 1500, delayOffMs: 1000 } : {}) }
}

function faultsOf(rule: object): string[] {
  return ruleFileSchema.safeParse({ rules: [rule] }).error?.issues.map(({ message }) => message) ?? []
}

function samples(values: number[], { everyMs = 100, device }: { everyMs?: number; device?: string }) {
  const t = values.map((_, i) => (i + 1) * everyMs)
  return readings(t, values, { device, receivedMs: everyMs })
}

/** `raised 87`, in the channel's unit. */
function changes(rule: object, values: number[], scaling: Pick<Channel, 'scale' | 'offset'> = {}): string[] {
  const raw = values.map((value) => rawValue(value, { scale: 1, offset: 0, ...scaling }))
  const alarms: AlarmRecord[] = run(engineOf([rule]), [declaration([scaling]), samples(raw, {})])
  return alarms.map(({ change, value }) => `${change} ${value}`)
}
