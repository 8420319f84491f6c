/**
 * A stretch of an installation's life, as the raw records that its bridge would append, and the truth about it: two agents with
 * devices of every kind of channel, a foreign Sparkplug node, a plain device, repeats, late data, evictions, bad input of every
 * kind, deaths, orders of people and jumps of the clock. The same seed gives the same life.
 */
import type { RawRecord } from '@millrace/contract'
import { createRandom } from '../../simulation/random.ts'
import { createAgentNode } from './agent-node.ts'
import type { Diary, Measured } from './diary.ts'
import { createForeignNode } from './foreign-node.ts'
import { createPlainDevice } from './plain-device.ts'

export interface Life {
  /** `key` decides the partition of raw; a record without one goes to every partition. */
  records: { key?: string; raw: RawRecord }[]
  measured: Measured[]
}

const lifeStartMs = Date.UTC(2026, 0, 1)

/** To be given to `prepareSchema` and `ruleFileSchema`. */
export const lifePrepare = {
  plain: [{ filter: 'plain/+', device: '{1}', time: 'at', channels: [{ name: 'hr', path: 'hr', unit: '/min' }] }],
}
export const lifeRules = {
  rules: [
    { name: 'spo2-low', channel: 'spo2', condition: 'below', set: 88, clear: 90, priority: 'high' },
    { name: 'warm', channel: 'temperature', condition: 'outside', low: 35, high: 38, hysteresis: 0.2, delayOnMs: 1000 },
    { name: 'silent', channel: 'spo2', condition: 'absent', afterMs: 4000 },
  ],
}

export function liveThrough(seed: number, seconds: number): Life {
  const life: Life = { records: [], measured: [] }
  const diary: Diary = {
    random: createRandom(seed, 'life'),
    nowMs: lifeStartMs,
    message: (key, topic, payload) =>
      life.records.push({ key, raw: { k: 'message', topic, payload, receivedMs: Math.floor(diary.nowMs) } }),
    order: (control) => life.records.push({ raw: { k: 'control', control, atMs: Math.floor(diary.nowMs) } }),
    measured: (one) => life.measured.push(one),
  }
  const parts = [
    createAgentNode(diary, 'n1', ['bed-1', 'bed-2']),
    createAgentNode(diary, 'n2', ['bed-3']),
    createForeignNode(diary),
    createPlainDevice(diary),
  ]
  for (let second = 0; second < seconds; second++) {
    life.records.push({ raw: { k: 'tick', atMs: diary.nowMs } })
    for (const part of parts) part()
    if (diary.random.next() < 0.03) diary.order({ by: 'ann', type: 'rules', rules: lifeRules })
    diary.nowMs += diary.random.next() < 0.03 ? 9000 : 1000
  }
  return life
}
