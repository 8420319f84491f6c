import { describe, expect, test } from 'vitest'
import { createEngine, decodeEngine, encodeEngine, endedMax } from './engine.ts'
import { activeAlarms } from './list.ts'
import { ruleFileSchema } from './rule-file.ts'
import { step } from './step.ts'
import { brief, control, death, declaration, engineOf, gap, readings, run, spo2Low, tick } from './testing/records.ts'

const delayed = { ...spo2Low, delayOnMs: 5000, delayOffMs: 3000 }
const noSignal = { name: 'no-signal', channel: 'spo2', condition: 'absent', afterMs: 10_000 }
/** A tick a second, so that no ingest gap is seen. */
const ticks = (fromMs: number, toMs: number) =>
  Array.from({ length: (toMs - fromMs) / 1000 + 1 }, (_, i) => tick(fromMs + i * 1000))
const second = (i: number) => i * 1000

describe('limits', () => {
  test('an alarm is raised beyond the set limit and cleared at the clear limit', () => {
    const out = run(engineOf([spo2Low]), [readings([1, 2, 3, 4, 5, 6], [88, 87, 89, 86, 90, 88])])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/2 @2', 'cleared spo2-low/bed-1/spo2/2 @5'])
    expect(out[0]).toMatchObject({ value: 87, text: 'spo2 87 below 88', technical: false, retrospective: false, active: true })
    expect(out[1]).toMatchObject({ value: 90, clearedMs: 5, active: false })
  })

  test('values are scaled by the declaration, and no rounding moves a value over the limit', () => {
    const state = engineOf([{ name: 'hot', channel: 't', condition: 'above', set: 0.3 }])
    run(state, [declaration([{ name: 't', scale: 0.1, unit: 'Cel' }])])
    const out = run(state, [readings([1, 2], [3, 4], { channel: 't' })])
    expect(out.map(({ text }) => text)).toEqual(['t 0.4 Cel above 0.3 Cel'])
  })

  test('a negative scale turns the limits round', () => {
    const state = engineOf([{ name: 'deep', channel: 'z', condition: 'below', set: -5 }])
    run(state, [declaration([{ name: 'z', scale: -1, unit: 'm' }])])
    expect(run(state, [readings([1, 2], [5, 6], { channel: 'z' })])[0]).toMatchObject({ change: 'raised', value: -6 })
  })

  test('outside raises at either end and clears inside by the hysteresis', () => {
    const state = engineOf([{ name: 'hr', channel: 'hr', condition: 'outside', low: 40, high: 140, hysteresis: 2 }])
    const out = run(state, [readings([1, 2, 3, 4, 5, 6], [150, 139, 138, 39, 41, 42], { channel: 'hr' })])
    expect(out.map(({ change, value }) => [change, value])).toEqual([
      ['raised', 150],
      ['cleared', 138],
      ['raised', 39],
      ['cleared', 42],
    ])
    expect(out[2]!.text).toBe('hr 39 below 40')
  })

  test('only named devices are watched, and an override gives a device or subject its own limits', () => {
    const rule = { ...spo2Low, devices: ['bed-*'], overrides: [{ devices: ['bed-2'], subjects: ['copd'], set: 80 }] }
    const state = engineOf([rule])
    const raised = (device: string, subject: string) => run(state, [readings([1], [85], { device, subject })]).length
    expect([raised('bed-1', 'copd'), raised('bed-2', 'copd'), raised('bed-3', 'x'), raised('icu-1', 'x')]).toEqual([1, 0, 1, 0])
  })

  test('booleans are judged as 1 and 0', () => {
    const state = engineOf([{ name: 'door', channel: 'open', condition: 'above', set: 0.5 }])
    expect(brief(run(state, [readings([1, 2, 3], [false, true, false], { channel: 'open' })]))).toHaveLength(2)
  })

  test('a text template is filled in', () => {
    const state = engineOf([{ ...spo2Low, text: 'Bed {device}: {value}{unit} < {limit} {what}' }])
    run(state, [declaration([{}])])
    expect(run(state, [readings([1], [80])])[0]!.text).toBe('Bed bed-1: 80% < 88 {what}')
  })

  test('another subject at the device ends the open alarms of the previous one', () => {
    const state = engineOf([spo2Low])
    run(state, [readings([1], [80], { subject: 'anna' })])
    const out = run(state, [readings([2], [80], { subject: 'bela' })])
    expect(out.map(({ change, subject }) => [change, subject])).toEqual([
      ['cleared', 'anna'],
      ['raised', 'bela'],
    ])
  })
})

describe('delays', () => {
  test('the alarm is raised at the time the delay ended, and cleared by the sample that ended the other one', () => {
    const t = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(second)
    const out = run(engineOf([delayed]), [readings(t, [85, 85, 85, 85, 85, 85, 91, 91, 91, 91, 91])])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/5000 @5000', 'cleared spo2-low/bed-1/spo2/5000 @9000'])
    expect(out[0]!.text).toBe('spo2 85 below 88 for 5 s')
  })

  test('a shorter excursion raises nothing', () => {
    const t = [0, 1, 2, 3, 4, 5, 6].map(second)
    expect(run(engineOf([delayed]), [readings(t, [85, 85, 85, 85, 88, 85, 85])])).toEqual([])
  })

  test('where samples pause, a tick decides after leaving time for those on their way', () => {
    const state = engineOf([delayed])
    run(state, [tick(1000), readings([1000], [85])])
    expect(run(state, ticks(2000, 7000))).toEqual([])
    expect(brief(run(state, [tick(8000)]))).toEqual(['raised spo2-low/bed-1/spo2/6000 @6000'])
  })

  test('a tick decides nothing from a value that is too old', () => {
    const state = engineOf([{ ...delayed, delayOnMs: 30_000 }])
    run(state, [tick(1000), readings([1000], [85])])
    expect(run(state, ticks(2000, 60_000))).toEqual([])
    expect(brief(run(state, [readings([60_000], [85])]))).toEqual(['raised spo2-low/bed-1/spo2/60000 @60000'])
  })

  test('the next sample, a tick and a late replay come to the same time', () => {
    const slow = readings([0, 9000], [85, 91])
    const bySample = run(engineOf([delayed]), [slow])
    const byTick = run(engineOf([delayed]), [tick(0), readings([0], [85]), ...ticks(1000, 9000), readings([9000], [91])])
    const late = run(engineOf([delayed]), [tick(1e9), slow])
    expect(brief(bySample).slice(0, 1)).toEqual(['raised spo2-low/bed-1/spo2/5000 @5000'])
    expect(brief(byTick)).toEqual(brief(bySample))
    expect(brief(late)).toEqual(['raised spo2-low/bed-1/spo2/5000/r @5000'])
  })

  test('a sample past the due time raises at the due time, as a tick would have', () => {
    expect(brief(run(engineOf([delayed]), [readings([0, 3000, 6300], [85, 85, 85])]))).toEqual([
      'raised spo2-low/bed-1/spo2/5000 @5000',
    ])
  })

  test('silence does not clear', () => {
    const state = engineOf([delayed])
    run(state, [tick(0), readings([0, 5000], [85, 85]), readings([6000], [95])])
    expect(run(state, ticks(1000, 100_000))).toEqual([])
    expect(activeAlarms(state)).toHaveLength(1)
  })
})

describe('data that is bad or not there', () => {
  test('an absence stops the delay, and one longer than the delay starts it again', () => {
    const state = engineOf([delayed])
    expect(run(state, [declaration([{}]), gap(3000), readings([0, 1000, 2000, 6000, 7000], [85, 85, 85, 85, 85])])).toEqual([])
    expect(brief(run(state, [readings([8000], [85])]))).toEqual(['raised spo2-low/bed-1/spo2/8000 @8000'])
    const other = engineOf([delayed])
    expect(run(other, [declaration([{}]), gap(3000), readings([0, 2000, 9000, 13_000], [85, 85, 85, 85])])).toEqual([])
    expect(brief(run(other, [readings([14_000], [85])]))).toEqual(['raised spo2-low/bed-1/spo2/14000 @14000'])
  })

  test('an announced absence keeps ticks from deciding', () => {
    const state = engineOf([delayed])
    run(state, [tick(0), declaration([{}]), gap(1000), readings([0], [85])])
    expect(run(state, ticks(1000, 60_000))).toEqual([])
  })

  test('neither bad samples nor gaps nor a death clear, and the end carries a note', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(0), readings([0], [85])])
    const missing = [
      readings([1000, 2000], [99, 99], { q: [2, 2] }),
      gap(3000),
      gap(2500, 3500, 'evicted'),
      death(4000),
      ...ticks(1000, 60_000),
      readings([60_000], ['none']),
    ]
    expect(run(state, missing)).toEqual([])
    const [end] = run(state, [readings([60_500], [95])])
    expect(end).toMatchObject({ change: 'cleared', note: 'no data from 1970-01-01T00:00:01.000Z (bad-quality)' })
    expect(state.counts.bad).toBe(3)
  })

  test('absence counts from the last good sample’s own time, and a good sample ends it', () => {
    const state = engineOf([noSignal])
    run(state, [tick(20_000), readings([13_500, 14_000], [97, 99], { q: [0, 2] })])
    expect(run(state, ticks(21_000, 23_000))).toEqual([])
    const [raised] = run(state, ticks(24_000, 40_000))
    expect(raised).toMatchObject({ id: 'no-signal/bed-1/spo2/23500', technical: true, text: 'No spo2 for 10 s (bad-quality)' })
    expect(brief(run(state, [readings([39_000], [97])]))).toEqual(['cleared no-signal/bed-1/spo2/23500 @39000'])
  })

  test('the reason of an announced absence is in the text', () => {
    const state = engineOf([noSignal])
    run(state, [tick(0), readings([0], [97]), gap(1000)])
    expect(run(state, ticks(1000, 10_000))[0]!.text).toBe('No spo2 for 10 s (probe-off)')
  })

  test('a declared channel that never sends is absent from when it was known', () => {
    const state = engineOf([noSignal])
    expect(brief(run(state, [tick(5000), declaration([{}]), ...ticks(6000, 15_000)]))).toEqual([
      'raised no-signal/bed-1/spo2/15000 @15000',
    ])
  })

  test('an ingest gap raises one technical alarm and holds absence for the grace', () => {
    const state = engineOf([noSignal, delayed])
    run(state, [tick(0), readings([0, 1000], [85, 85])])
    const [ingest, ...others] = run(state, [tick(1000), tick(31_000), ...ticks(32_000, 45_000)])
    expect(others).toEqual([])
    expect(ingest).toMatchObject({ id: 'ingest-gap/millrace/partition-0/31000', technical: true })
    expect(brief(run(state, [tick(46_000)]))).toEqual([
      'raised no-signal/bed-1/spo2/11000 @11000',
      'cleared ingest-gap/millrace/partition-0/31000 @46000',
    ])
  })

  test('a second jump within the grace prolongs it and raises nothing', () => {
    const state = engineOf([])
    const out = run(state, [tick(0), tick(10_000), tick(20_000), ...ticks(21_000, 35_000)])
    expect(brief(out)).toEqual([
      'raised ingest-gap/millrace/partition-0/10000 @10000',
      'cleared ingest-gap/millrace/partition-0/10000 @35000',
    ])
  })
})

describe('late data', () => {
  test('it makes retrospective alarms with ids of their own, and is told from live data by the tick', () => {
    const state = engineOf([spo2Low])
    const out = run(state, [tick(100_000), readings([50_000, 51_000, 99_000], [80, 95, 80])])
    expect(brief(out)).toEqual([
      'raised spo2-low/bed-1/spo2/50000/r @50000',
      'cleared spo2-low/bed-1/spo2/50000/r @51000',
      'raised spo2-low/bed-1/spo2/99000 @99000',
    ])
    expect(out.map(({ retrospective }) => retrospective)).toEqual([true, true, false])
  })

  test('out of order even among the late is ignored and counted', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(100_000), readings([50_000], [95]), readings([49_000, 50_000, 50_001], [80, 80, 95])])
    expect(state.counts).toMatchObject({ late: 2, disordered: 2 })
  })

  test('an alarm that late data left open is closed in the record once the data has ended', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(100_000), readings([50_000, 52_000], [80, 80])])
    const out = run(state, ticks(101_000, 170_000))
    expect(brief(out)).toEqual(['cleared spo2-low/bed-1/spo2/50000/r @52000'])
    expect(out[0]!.note).toBe('the late data ended here')
  })

  test('a sample far ahead of the clock is ignored and counted, and the next ones are live', () => {
    const state = engineOf([spo2Low])
    const out = run(state, [tick(1000), readings([900_000], [80], { receivedMs: 1000 }), readings([1100], [80])])
    expect(brief(out)).toEqual(['raised spo2-low/bed-1/spo2/1100 @1100'])
    expect(state.counts.ahead).toBe(1)
  })

  test('a device’s time advances only by ticks of its own partition', () => {
    const state = engineOf([noSignal])
    step(state, tick(1000), 1)
    step(state, readings([1000], [97]), 1)
    expect(step(state, tick(60_000), 2)).toEqual([])
    expect(step(state, tick(500), 1)).toEqual([])
  })
})

describe('orders', () => {
  const acknowledge = (alarm: string, atMs = 5) => control({ by: 'nurse', type: 'acknowledge', alarm, note: 'seen' }, atMs)

  test('an acknowledged alarm stays active until it clears', () => {
    const state = engineOf([spo2Low])
    run(state, [readings([1], [80])])
    const [acknowledged] = run(state, [acknowledge('spo2-low/bed-1/spo2/1')])
    expect(acknowledged).toMatchObject({
      change: 'acknowledged',
      active: true,
      acknowledged: true,
      acknowledgedMs: 5,
      by: 'nurse',
    })
    const [cleared] = run(state, [readings([6], [95])])
    expect(cleared).toMatchObject({ change: 'cleared', active: false, acknowledged: true, by: 'nurse', note: 'seen' })
    expect(activeAlarms(state)).toEqual([])
  })

  test('a cleared alarm waits for its acknowledgement, once', () => {
    const state = engineOf([spo2Low])
    run(state, [readings([1, 2], [80, 95])])
    expect(activeAlarms(state)).toHaveLength(1)
    expect(run(state, [acknowledge('spo2-low/bed-1/spo2/1')])[0]).toMatchObject({ change: 'acknowledged', active: false })
    expect(run(state, [acknowledge('spo2-low/bed-1/spo2/1'), acknowledge('none')])).toEqual([])
    expect(state.counts.unknownAcknowledged).toBe(2)
    expect(activeAlarms(state)).toEqual([])
  })

  test('new rules act from their record on; alarms of removed rules clear with a note', () => {
    const state = engineOf([spo2Low, { ...spo2Low, name: 'other' }])
    run(state, [readings([1], [80])])
    const rules = { rules: [{ ...spo2Low, set: 70, clear: 75 }] }
    const out = run(state, [control({ by: 'x', type: 'rules', rules }, 10), readings([11, 12], [72, 76])])
    expect(brief(out)).toEqual(['cleared other/bed-1/spo2/1 @10', 'cleared spo2-low/bed-1/spo2/1 @12'])
    expect(out[0]!.note).toBe('the rule was removed')
  })

  test('a file that is not valid changes nothing and is counted', () => {
    const state = engineOf([spo2Low])
    run(state, [control({ by: 'x', type: 'rules', rules: { rules: [{ name: 'Bad!' }] } }, 1)])
    expect(state.counts.badRules).toBe(1)
    expect(run(state, [readings([2], [80])])).toHaveLength(1)
  })

  test('an absent rule that is new does not see the time before it as silence', () => {
    const state = engineOf([])
    run(state, [tick(0), declaration([{}]), readings([0], [97]), ...ticks(1000, 60_000)])
    run(state, [control({ by: 'x', type: 'rules', rules: { rules: [noSignal] } }, 60_000)])
    expect(brief(run(state, ticks(61_000, 70_000)))).toEqual(['raised no-signal/bed-1/spo2/70000 @70000'])
  })
})

describe('bounds and state', () => {
  test('past seriesMax a series is refused, with one alarm', () => {
    const state = engineOf([spo2Low], { seriesMax: 1 })
    const out = run(state, [readings([1], [97]), ...['a', 'b'].map((device) => readings([1], [80], { device }))])
    expect(out.map(({ rule }) => rule)).toEqual(['series-limit'])
    expect(state.counts.refused).toBe(2)
  })

  test('at seriesMax a device still gets its share, whatever another one declares', () => {
    const state = engineOf([spo2Low], { seriesMax: 10 })
    run(state, [
      tick(0),
      declaration(
        Array.from({ length: 50 }, (_, k) => ({ name: `c${k}` })),
        'hostile',
      ),
      declaration([{}]),
    ])
    expect(state.devices.map(({ device, series }) => [device, series.length])).toEqual([
      ['hostile', 10],
      ['bed-1', 1],
    ])
    expect(brief(run(state, [readings([1], [80])]))).toEqual(['raised spo2-low/bed-1/spo2/1 @1'])
  })

  test('ended alarms of a device that has few stay when another one floods', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(1e6), readings([1e6, 1e6 + 1], [80, 95])])
    const t = Array.from({ length: 2 * endedMax + 10 }, (_, i) => 1e6 + i)
    run(state, [
      readings(
        t,
        t.map((_, i) => (i % 2 === 0 ? 80 : 95)),
        { device: 'hostile' },
      ),
    ])
    expect(state.ended).toHaveLength(endedMax)
    expect(state.ended[0]!.device).toBe('bed-1')
  })

  test('unacknowledged ended alarms are bounded, retrospective ones going first', () => {
    const state = engineOf([spo2Low])
    run(state, [tick(1e6), readings([1, 2], [80, 95])])
    const t = Array.from({ length: 2 * endedMax }, (_, i) => 1e6 + i)
    const v = t.map((_, i) => (i % 2 === 0 ? 80 : 95))
    run(state, [readings(t, v)])
    expect(state.ended).toHaveLength(endedMax)
    expect(state.ended[0]!.id).toBe('spo2-low/bed-1/spo2/1000000')
  })

  test('names that mean something to JavaScript are names like any other', () => {
    const state = engineOf([spo2Low])
    expect(brief(run(state, [readings([1], [80], { device: '__proto__' })]))).toEqual(['raised spo2-low/__proto__/spo2/1 @1'])
    expect(run(decodeEngine(encodeEngine(state)), [readings([2], [95], { device: '__proto__' })])).toHaveLength(1)
  })

  test('a state of a later format is refused', () => {
    const later = { ...createEngine(ruleFileSchema.parse({})), f: 2 }
    expect(() => decodeEngine(Buffer.from(JSON.stringify(later)))).toThrow('ALARMS_STATE_NEWER')
  })
})

describe('a channel that reports by exception', () => {
  const minute = 60_000
  const declared = declaration([{ silentMsMax: minute }])
  const ticks = (fromMs: number, toMs: number) =>
    Array.from({ length: (toMs - fromMs) / 1000 + 1 }, (_, k) => tick(fromMs + k * 1000))

  test('is not absent between its heartbeats, and is when one does not come', () => {
    const beatMs = minute + 900
    const engine = engineOf([noSignal])
    const day = ticks(0, 8 * minute).flatMap((record, k) => {
      const beat = Math.floor((k * 1000) / beatMs) * beatMs
      return beat > (k - 1) * 1000 ? [readings([beat], [97]), record] : [record]
    })
    expect(run(engine, [tick(0), declared, ...day])).toEqual([])
    const last = Math.floor((8 * minute) / beatMs) * beatMs
    const alarms = run(engine, ticks(8 * minute + 1000, 10 * minute))
    expect(alarms.map(({ change, atMs }) => [change, atMs])).toEqual([['raised', last + 70_000]])
  })

  test('is absent after the time of the rule when its absence was announced', () => {
    const engine = engineOf([noSignal])
    run(engine, [tick(0), declared, readings([1000], [97]), ...ticks(1000, 20_000)])
    expect(brief(run(engine, [gap(20_000), ...ticks(21_000, 40_000)]))).toEqual(['raised no-signal/bed-1/spo2/30000 @30000'])
  })

  test('has rules of longer silence as they are, and those of the same with some room', () => {
    const dueOf = (afterMs: number) => {
      const engine = engineOf([{ ...noSignal, afterMs }])
      return run(engine, [tick(0), declared, readings([1000], [97]), ...ticks(2000, 300_000)]).map(({ atMs }) => atMs - 1000)
    }
    expect([4000, 10_000, 60_000, 120_000].map(dueOf)).toEqual([[64_000], [70_000], [70_000], [120_000]])
  })

  test('is judged by its newest declaration', () => {
    const engine = engineOf([noSignal])
    run(engine, [tick(0), declared, readings([1000], [97]), declaration([{}])])
    expect(run(engine, ticks(2000, 20_000))).toHaveLength(1)
  })

  test('says why it is absent by the absence that was announced first, not by the death that follows', () => {
    const engine = engineOf([noSignal])
    run(engine, [tick(0), declared, readings([1000], [97]), ...ticks(1000, 20_000)])
    const alarms = run(engine, [gap(20_000), death(25_000), ...ticks(21_000, 40_000)])
    expect(alarms.map(({ text }) => text)).toEqual([expect.stringContaining('(probe-off)')])
  })
})
