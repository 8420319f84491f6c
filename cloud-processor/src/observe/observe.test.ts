import { ruleFileSchema } from '@millrace/alarms'
import { type Channel, decodeJson, encodeJson, type TimelineRecord, topics } from '@millrace/contract'
import { type Clock, createMetrics, silentLog } from '@millrace/platform'
import { describe, expect, it } from 'vitest'
import { createRulesStage } from '../rules/index.ts'
import type { LedgerRow, StoreTotal } from '../stores/store.ts'
import { watchAlarms } from './alarms.ts'
import { goneAfterMs, silentAfterMs, watchFleet } from './fleet.ts'
import { measureStages } from './stages.ts'

/** Time that stands still between calls of its timers. */
function stillClock(nowMs: number) {
  let due = () => {}
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(_, call) {
      due = call
      return () => {
        due = () => {}
      }
    },
  }
  return { clock, tick: () => due() }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the fleet, as the store knows it', () => {
  const nowMs = 1_800_000_000_000
  const row = (readings: number, samples: number) => ({ difference: [readings, samples] }) as LedgerRow
  const total = (ageMs: number) => ({ lastMs: nowMs - ageMs }) as StoreTotal
  const imported: Channel = { name: 'hr', kind: 'number', datatype: 'Double', unit: '1', historical: true }
  const devices = ['bed-1', 'bed-2', 'lost', 'sold', 'imported'].map((device) => ({
    device,
    subject: device,
    node: device.startsWith('bed') ? 'ward/gw' : `other/${device}`,
    channels: device === 'imported' ? [imported] : [],
  }))
  const totals = {
    'bed-1': total(1000),
    'bed-2': total(silentAfterMs + 1),
    lost: total(silentAfterMs + 1),
    imported: total(silentAfterMs + 1),
    sold: total(goneAfterMs + 1),
  }

  it('is off balance by every fault, also where two cancel out, and silent where no device of a node is heard', async () => {
    const metrics = createMetrics()
    const store = {
      devices: async () => devices,
      ledger: async () => [row(1, 0), row(-1, 0), row(0, 0)],
      totals: async () => totals,
    }
    const { clock } = stillClock(nowMs)
    const stop = watchFleet({ store, clock, logger: silentLog, metrics })
    expect(metrics.values().millrace_ledger_difference).toBeNaN()
    await settled()
    expect(metrics.values()).toMatchObject({
      millrace_ledger_difference: 2,
      millrace_ledger_unbalanced: 2,
      millrace_nodes: 2,
      millrace_nodes_silent: 1,
      millrace_fleet_age_seconds: 0,
    })
    stop()
  })

  it('keeps the last answer while the store refuses, and the refusals are counted', async () => {
    const metrics = createMetrics()
    let isDown = false
    const ledger = async () => {
      if (isDown) throw new Error('down')
      return [row(0, 3)]
    }
    const { clock, tick } = stillClock(nowMs)
    const stop = watchFleet({
      store: { devices: async () => [], ledger, totals: async () => ({}) },
      clock,
      logger: silentLog,
      metrics,
    })
    await settled()
    isDown = true
    tick()
    await settled()
    expect(metrics.values()).toMatchObject({ millrace_ledger_difference: 3, millrace_fleet_failures_total: 1 })
    stop()
  })
})

describe('stages', () => {
  it('tell by partition how far behind they are', () => {
    const metrics = createMetrics()
    const at = { name: 'rules', partition: 1, next: 5, end: 9, lagMs: 40, received: 0, sent: 0, repeats: 0 }
    measureStages(metrics, () => [at, { ...at, partition: 2, next: 9 }])
    expect(metrics.values()).toEqual({
      'millrace_stage_lag_ms{stage="rules",partition="1"}': 40,
      'millrace_stage_lag_ms{stage="rules",partition="2"}': 40,
      'millrace_stage_lag_records{stage="rules",partition="1"}': 4,
      'millrace_stage_lag_records{stage="rules",partition="2"}': 0,
    })
  })
})

describe('the rules', () => {
  it('tell what they could not use, also after a restart from their snapshot, until they are handed over', () => {
    const metrics = createMetrics()
    let held = [0]
    const watch = watchAlarms(metrics, () => held)
    const stage = watch.of(createRulesStage(ruleFileSchema.parse({})), 0)
    const state = stage.initial(0)
    const control: TimelineRecord = {
      f: 1,
      k: 'control',
      control: { type: 'acknowledge', alarm: 'nobody/knows/it/0', by: 'a nurse' },
      atMs: 1000,
    }
    stage.step(state, recordOf(control), () => {})
    const unknown = () => metrics.values()['millrace_rules_unjudged{why="unknownAcknowledged"}']
    expect(unknown()).toBe(1)
    expect(metrics.values().millrace_alarms_open).toBe(0)
    stage.decode(stage.encode(state))
    expect(unknown()).toBe(1)
    held = []
    expect(unknown()).toBe(0)
  })
})

function recordOf(record: TimelineRecord) {
  const value = encodeJson(record)
  decodeJson(value)
  const source = { log: 'a', partition: 0, offset: 0, index: 0 }
  return { topic: topics.timeline, partition: 0, offset: 0, key: '', value, timeMs: 0, source }
}
