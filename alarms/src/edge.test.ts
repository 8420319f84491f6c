import type { AlarmRecord, EdgeAlarmRecord, TimelineRecord } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeEngine, encodeEngine } from './engine.ts'
import { activeAlarms } from './list.ts'
import { brief, control, engineOf, readings, run, spo2Low, tick } from './testing/records.ts'

/** As the agent tells it. */
function told(alarm: AlarmRecord, receivedMs = alarm.atMs): EdgeAlarmRecord {
  const { device, subject: _, ...rest } = alarm
  const what = { ...rest, change: alarm.change as 'raised' | 'cleared', decidedMs: alarm.atMs, receivers: ['lamp'] }
  return { f: 1, k: 'edge-alarm', subject: device, device, node: 'ward/edge-1', receivedMs, alarm: what }
}

/** What the rules of the gateway make of its readings. */
const toldBy = (records: TimelineRecord[], rules: object[] = [spo2Low]) => run(engineOf(rules), records).map((one) => told(one))

const raisedAt = (atMs: number) => toldBy([tick(100_000), readings([atMs], [80])])[0]!

describe('an alarm of a gateway', () => {
  test('is one with what the readings that follow it would raise, and the record says that it was raised there', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(100_000), readings([100_000], [95])])
    const out = run(state, [raisedAt(100_500), readings([100_400, 100_500, 100_600], [95, 80, 81])])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/100500 @100500'])
    expect(out[0]!.edge).toEqual({ node: 'ward/edge-1', raisedMs: 100_500, decidedMs: 100_500, receivers: ['lamp'] })
    expect(brief(run(state, [readings([100_700], [95])]))).toEqual(['cleared spo2-low/bed-1/spo2/100500 @100700'])
  })

  test('that began and ended within one batch is raised and cleared once', () => {
    const batch = readings([100_400, 100_500, 100_600, 100_700, 100_800], [95, 80, 95, 80, 80])
    const records = [tick(100_000), batch]
    const out = run(engineOf([spo2Low]), [tick(100_000), readings([100_000], [95]), ...toldBy(records), batch])
    expect(brief(out)).toEqual([
      'raised spo2-low/bed-1/spo2/100500 @100500',
      'cleared spo2-low/bed-1/spo2/100500 @100600',
      'raised spo2-low/bed-1/spo2/100700 @100700',
    ])
  })

  test('that came about while the link was down makes one record, live and late readings included', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(100_000), readings([100_000], [95]), tick(200_000)])
    const late = readings([120_000, 130_000, 140_000], [80, 81, 82])
    const raised = { ...raisedAt(120_000), receivedMs: 200_000 }
    const out = run(state, [raised, readings([200_000], [80]), late, readings([201_000], [95]), readings([150_000], [80])])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/120000 @120000', 'cleared spo2-low/bed-1/spo2/120000 @201000'])
    expect(out[0]!.note).toContain('raised by gateway ward/edge-1 at 1970-01-01T00:02:00.000Z')
  })

  test('that the readings raised here before it was told of is not raised again', () => {
    const state = engineOf([spo2Low])
    const raised = raisedAt(100_500)
    expect(brief(run(state, [tick(100_000), readings([100_500], [80]), raised, raised]))).toHaveLength(1)
    expect(activeAlarms(state)[0]!.edge?.node).toBe('ward/edge-1')
  })

  test('is taken in as part of the other one where this engine has raised later', () => {
    const state = engineOf([spo2Low])
    const out = run(state, [tick(200_000), readings([200_000], [80]), raisedAt(120_000), readings([120_000], [80])])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/200000 @200000'])
    expect(activeAlarms(state)[0]!.edge?.raisedMs).toBe(120_000)
  })

  test('of silence is one with the silence here, which counts on from when the gateway heard of the device', () => {
    const rules = [{ name: 'no-signal', channel: 'spo2', condition: 'absent', afterMs: 5000 }]
    const state = engineOf(rules)
    run(state, [tick(100_000), readings([100_000], [95]), tick(101_000)])
    const silent = toldBy([tick(100_000), readings([100_000], [95]), tick(103_000), tick(105_000)], rules)
    expect(brief(run(state, [tick(104_000), ...silent, tick(105_000), tick(106_000)]))).toEqual([
      'raised no-signal/bed-1/spo2/105000 @105000',
    ])
    const back = told({ ...activeAlarms(state)[0]!, change: 'cleared', active: false, atMs: 107_000, clearedMs: 107_000 })
    expect(brief(run(state, [back, tick(108_000), tick(111_000), tick(112_000)]))).toEqual([
      'cleared no-signal/bed-1/spo2/105000 @107000',
      'raised no-signal/bed-1/spo2/112000 @112000',
    ])
  })

  test('of a rule that only the gateway has is recorded, can be acknowledged, and clears', () => {
    const state = decodeEngine(encodeEngine(engineOf([])))
    const [raised, cleared] = toldBy([tick(100_000), readings([100_500, 100_600], [80, 95])])
    const id = 'spo2-low/bed-1/spo2/100500'
    expect(brief(run(state, [raised!, raised!]))).toEqual([`raised ${id} @100500`])
    expect(activeAlarms(state).map((one) => one.id)).toEqual([id])
    const order = control({ by: 'nurse', type: 'acknowledge', alarm: id }, 100_550)
    expect(brief(run(state, [order, cleared!, cleared!]))).toEqual([`acknowledged ${id} @100550`, `cleared ${id} @100600`])
    expect(activeAlarms(state)).toEqual([])
  })

  test('is held by what was shelved here', () => {
    const state = engineOf([{ ...spo2Low, priority: 'low' }])
    const order = { by: 'nurse', rule: 'spo2-low', device: 'bed-1', channel: 'spo2', type: 'shelve' } as const
    run(state, [tick(100_000), readings([100_000], [95]), control(order, 100_100)])
    expect(run(state, [raisedAt(100_500)])).toMatchObject([{ change: 'shelved', unannounced: true }])
  })
})

/** Twice a second; per sample whether the link is up, and how many samples a batch has. */
const sample = fc.record({ v: fc.integer({ min: 83, max: 98 }), isUp: fc.boolean(), size: fc.integer({ min: 1, max: 4 }) })
/** While a delay runs and nothing comes, the cloud goes by the last value, and the gateway by what it reads: none has one. */
const rules = [
  { name: 'low', channel: 'spo2', condition: 'below', set: 88, clear: 90 },
  { name: 'range', channel: 'spo2', condition: 'outside', low: 86, high: 95, hysteresis: 1 },
]

interface Committed {
  alarms: AlarmRecord[]
  batch: TimelineRecord
}

test('whenever the link is cut, the cloud has the alarms of the gateway, by id and time, once each and no other', () => {
  const cloudOf = (commits: (Committed & { isUp: boolean })[]) => {
    const state = engineOf(rules)
    const out = run(state, [tick(1_000_000)])
    let waiting: Committed[] = []
    for (const { isUp, ...now } of commits) {
      if (isUp) {
        const alarms = [...waiting, now].flatMap((one) => one.alarms).map((one) => told(one))
        // Alarms go first, then what is live, then the backlog.
        out.push(...run(state, [...alarms, now.batch, ...waiting.map(({ batch }) => batch)]))
        waiting = []
      } else waiting.push(now)
      out.push(...run(state, [tick((now.batch as { receivedMs: number }).receivedMs)]))
    }
    return out
  }
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 60 }), (samples) => {
      const edge = engineOf(rules)
      run(edge, [tick(1_000_000)])
      const commits = []
      for (let at = 0; at < samples.length; at += samples[at]!.size) {
        const part = samples.slice(at, at + samples[at]!.size)
        const times = part.map((_, index) => 1_000_500 + (at + index) * 500)
        const batch = readings(
          times,
          part.map(({ v }) => v),
        )
        const isUp = samples[at]!.isUp || at + samples[at]!.size >= samples.length
        commits.push({ batch, alarms: run(edge, [batch]), isUp })
        run(edge, [tick(times.at(-1)!)])
      }
      const edgeOut = commits.flatMap(({ alarms }) => alarms)
      expect(brief(cloudOf(commits)).sort()).toEqual(brief(edgeOut).sort())
    }),
    { numRuns: 1000 },
  )
})
