import { deathReasons, type TimelineRecord } from '@millrace/contract'
import { describe, expect, test } from 'vitest'
import { decodeEngine, type EngineState, encodeEngine } from './engine.ts'
import { activeAlarms } from './list.ts'
import { control, death, declaration, engineOf, gap, readings, run, tick } from './testing/records.ts'

const noSignal = { name: 'no-signal', channel: 'spo2', condition: 'absent', afterMs: 10_000 }
const beds = ['bed-1', 'bed-2', 'bed-3']
const ticks = (fromMs: number, toMs: number) =>
  Array.from({ length: (toMs - fromMs) / 1000 + 1 }, (_, i) => tick(fromMs + i * 1000))
const died = (atMs: number, device: string) => ({ ...death(atMs, device), reason: deathReasons.node }) as TimelineRecord
const born = (atMs: number, device: string) => ({ ...died(atMs, device), k: 'birth', reason: 'device birth' }) as TimelineRecord
const all = (t: number, v = 97) => beds.map((device) => readings([t], [v], { device }))
const told = (state: EngineState, records: TimelineRecord[]) =>
  run(state, records).map(({ change, rule, device, atMs }) => `${change} ${rule} ${device} @${atMs}`)

/** Three beds behind one gateway that speak at 1 s. */
function ward(rules: object[] = [noSignal]): EngineState {
  const state = engineOf(rules)
  run(state, [tick(1000), ...beds.map((device) => declaration([{}], device)), ...all(1000)])
  return state
}

describe('a gateway whose link is down', () => {
  test('is one alarm when the first silence behind it falls due, with its devices listed', () => {
    const state = ward()
    const out = run(state, [...ticks(2000, 3000), ...beds.map((bed) => died(3500, bed)), ...ticks(4000, 30_000)])
    expect(out.filter(({ change }) => change === 'raised')).toMatchObject([
      {
        rule: 'gateway-link',
        channel: 'ward',
        technical: true,
        text: 'Gateway ward is down since 1970-01-01T00:00:03.500Z (node death): nothing comes from its 3 devices',
        dependents: { count: 3, devices: beds },
      },
    ])
    const cause = out.find(({ change }) => change === 'raised')!.id
    const suppressed = out.filter(({ change }) => change === 'suppressed')
    expect(suppressed.map(({ device }) => device)).toEqual(beds)
    expect(suppressed.every((alarm) => alarm.cause === cause && alarm.unannounced && alarm.active)).toBe(true)
  })

  test('is the same alarm in every partition of the timeline that has devices of it', () => {
    const ids = ['bed-1', 'bed-2'].map((bed, partition) => {
      const state = { ...engineOf([noSignal]), partition }
      const spokeMs = 1000 + 700 * partition
      run(state, [tick(1000), declaration([{}], bed), readings([spokeMs], [97], { device: bed })])
      return run(state, [died(2500, bed), ...ticks(3000, 20_000)]).find(({ rule }) => rule === 'gateway-link')!.id
    })
    expect(ids).toEqual(['gateway-link/millrace/ward/2500', 'gateway-link/millrace/ward/2500'])
  })

  test('that is back in time raises nothing', () => {
    const state = ward()
    const records = [
      ...beds.map((bed) => died(2500, bed)),
      ...ticks(3000, 9000),
      ...beds.map((bed) => born(9500, bed)),
      ...all(9600),
    ]
    expect(told(state, [...records, ...ticks(10_000, 19_000)])).toEqual([])
  })

  test('leaves nothing behind when it is back: who was told of nothing has nothing to acknowledge', () => {
    const state = ward()
    run(state, [...beds.map((bed) => died(2500, bed)), ...ticks(3000, 20_000)])
    const out = told(state, [...beds.map((bed) => born(20_500, bed)), ...all(20_600), tick(21_000)])
    expect(out).toEqual(['cleared gateway-link millrace @20500', ...beds.map((bed) => `cleared no-signal ${bed} @20600`)])
    expect(activeAlarms(state).map(({ rule }) => rule)).toEqual(['gateway-link'])
    expect(state).not.toHaveProperty('gateways')
  })

  test('a device that stays silent when it is back is raised for real after its own delay, restarts included', () => {
    let state = ward()
    run(state, [...beds.map((bed) => died(2500, bed)), ...ticks(3000, 20_000)])
    state = decodeEngine(encodeEngine(state))
    run(state, [...beds.map((bed) => born(20_500, bed)), ...all(20_600).slice(1)])
    state = decodeEngine(encodeEngine(state))
    const speaking = (t: number) => [...all(t).slice(1), tick(t)]
    const out = run(state, Array.from({ length: 15 }, (_, i) => speaking(21_000 + i * 1000)).flat())
    expect(out).toMatchObject([{ change: 'raised', device: 'bed-1', atMs: 30_500, active: true }])
    expect(out[0]).not.toHaveProperty('cause')
    expect(out[0]).not.toHaveProperty('unannounced')
  })

  test('an absence that is active when the cause is known is folded under it, and told of only by its end', () => {
    const state = ward([noSignal])
    const speaking = (t: number) => [...all(t).slice(1), tick(t)]
    run(state, Array.from({ length: 20 }, (_, i) => speaking(2000 + i * 1000)).flat())
    const out = told(state, [...beds.map((bed) => died(22_500, bed)), ...ticks(23_000, 40_000)])
    expect(out.toSorted()).toEqual([
      'raised gateway-link millrace @31000',
      'suppressed no-signal bed-1 @31000',
      'suppressed no-signal bed-2 @31000',
      'suppressed no-signal bed-3 @31000',
    ])
    const back = run(state, [...beds.map((bed) => born(40_500, bed)), ...all(40_600)])
    const ends = back.filter(({ rule }) => rule === 'no-signal')
    expect(ends.map(({ unannounced }) => unannounced)).toEqual([undefined, true, true])
  })

  test('two gateways are two alarms, and a device without one is on its own', () => {
    const state = engineOf([noSignal])
    const at = (device: string, node: string) => ({ ...declaration([{}], device), node }) as TimelineRecord
    run(state, [tick(1000), at('a1', 'a'), at('b1', 'b'), readings([1000], [97], { device: 'c' })])
    const dead = (device: string, node: string) => ({ ...died(2000, device), node }) as TimelineRecord
    const out = told(state, [dead('a1', 'a'), dead('b1', 'b'), ...ticks(2000, 20_000)])
    expect(out.filter((line) => line.startsWith('raised')).toSorted()).toEqual([
      'raised gateway-link millrace @11000',
      'raised gateway-link millrace @11000',
      'raised no-signal c @11000',
    ])
  })
})

describe('a gateway that is silent', () => {
  test('is one alarm before anybody tells its death, and a live sample ends it', () => {
    const state = ward()
    const out = told(state, [...ticks(2000, 14_000), ...beds.map((bed) => died(14_500, bed)), ...ticks(15_000, 20_000)])
    expect(out.filter((line) => line.startsWith('raised'))).toEqual(['raised gateway-link millrace @11000'])
    expect(out).toHaveLength(4)
    expect(told(state, all(20_500)).slice(0, 1)).toEqual(['cleared no-signal bed-1 @20500'])
  })

  test('is not one whose devices said why, nor one of which another device speaks', () => {
    const said = ward()
    const gaps = beds.map((bed) => gap(2000, undefined, 'probe-off', bed))
    expect(told(said, [...gaps, ...ticks(2000, 20_000)])).toEqual(beds.map((bed) => `raised no-signal ${bed} @11000`))
    const other = ward()
    const speaking = (t: number) => [readings([t], [97], { device: 'bed-3' }), tick(t)]
    const out = told(other, Array.from({ length: 15 }, (_, i) => speaking(2000 + i * 1000)).flat())
    expect(out).toEqual(['raised no-signal bed-1 @11000', 'raised no-signal bed-2 @11000'])
  })
})

test('the absences behind a gateway whose clock is off are suppressed under the alarm of its clock', () => {
  const state = ward()
  const event = (code: string, atMs: number): TimelineRecord => ({
    ...{ f: 1, k: 'event', subject: 'ward', device: 'ward', level: 'error', text: 'The clock is off' },
    ...{ code, atMs },
  })
  const out = run(state, [event('GATEWAY_CLOCK_OFF', 5000), ...ticks(6000, 20_000)])
  expect(out).toMatchObject([
    { rule: 'gateway-clock', dependents: { count: 3, devices: beds } },
    ...beds.map((device) => ({ change: 'suppressed', device, cause: out[0]!.id })),
  ])
  run(state, [event('GATEWAY_CLOCK_RIGHT', 20_500)])
  expect(told(state, [...all(21_000), ...ticks(21_000, 25_000)])).toEqual(beds.map((bed) => `cleared no-signal ${bed} @21000`))
})

test('acknowledging the cause, and a rule that goes, leave nothing suppressed', () => {
  const state = ward()
  run(state, [...beds.map((bed) => died(2500, bed)), ...ticks(3000, 20_000)])
  const cause = activeAlarms(state).find(({ rule }) => rule === 'gateway-link')!
  const [acknowledged] = run(state, [control({ type: 'acknowledge', by: 'Anna', alarm: cause.id }, 21_000)])
  expect(acknowledged).toMatchObject({ change: 'acknowledged', dependents: { count: 3 } })
  const gone = run(state, [control({ type: 'rules', by: 'test', rules: { rules: [] } }, 22_000)])
  expect(gone.map(({ change }) => change)).toEqual(['cleared', 'cleared', 'cleared'])
  expect(gone.every((alarm) => alarm.cause === undefined)).toBe(true)
})
