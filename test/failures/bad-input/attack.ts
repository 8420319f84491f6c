/** One attack: what it sends, and what must come of it. The counters are read where an operator would read them. */
import type { RejectedRecord } from '@millrace/contract'
import { endOf, readTopic } from '../../support/log-pages.ts'
import { until } from '../../support/until.ts'
import type { System } from './system.ts'

export interface Attack {
  name: string
  sends: string
  run(field: Field): Promise<Finding>
}

export interface Field {
  system: System
  /** 0 to below 1; the seed is printed. */
  random(): number
  isQuick: boolean
  /** Large rubbish comes as fast as the broker takes it. */
  isBurst: boolean
}

export interface Finding {
  isHeld: boolean
  outcome: string
  counter: string
  /** Looked at after all attacks, so that the checks add no load during them. */
  confirm?(): Promise<{ isHeld: boolean; outcome: string }>
}

const withinMs = 15_000

/** So many bytes, none of them chosen. */
export function randomBytes({ random }: Field, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
}

/** What the broker counts under a reason; absent is 0. */
async function brokerRefused({ ports }: System, reason: string): Promise<number> {
  return metric(`http://127.0.0.1:${ports.metrics}/metrics`, `millrace_broker_refused_total{reason="${reason}"}`)
}

async function processorRejected({ ports }: System, reason: string): Promise<number> {
  return metric(`http://127.0.0.1:${ports.web}/metrics`, `millrace_rejected_total{at="prepare",reason="${reason}"}`)
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line ? Number(line.slice(name.length)) : 0
}

/** The broker must count `times` refusals, at least, under the reason while `act` runs. */
export async function refused(field: Field, reason: string, times: number, act: () => Promise<string>): Promise<Finding> {
  const before = await brokerRefused(field.system, reason)
  const outcome = await act()
  const counted = async () => (await brokerRefused(field.system, reason)) - before
  await until(reason, async () => (await counted()) >= times, { withinMs }).catch(() => {})
  const count = await counted()
  return { isHeld: count >= times && !outcome.startsWith('WRONG'), outcome, counter: `broker ${reason} +${count}` }
}

export interface Expected {
  /** Records of the rejected topic with these reasons, and no others. */
  reasons: Record<string, number>
  /** Scalar readings that they name as lost. */
  lost?: number
}

/** Exactly these records must come to the rejected topic, each with the bytes that were sent, and be counted in the metrics. */
export async function rejected(field: Field, expected: Expected, act: () => Promise<void>): Promise<Finding> {
  const { system } = field
  const wanted = Object.entries(expected.reasons)
  const from = await endOf(system.api, 'rejected')
  const before = await Promise.all(wanted.map(([reason]) => processorRejected(system, reason)))
  await act()
  const isCounted = async () => (await rises()).every((rise, k) => rise >= wanted[k]![1])
  await until('rejected', isCounted, { withinMs, everyMs: 200 }).catch(() => {})
  const counts = await rises()
  const to = await endOf(system.api, 'rejected')
  return {
    isHeld: counts.every((count, k) => count === wanted[k]![1]),
    outcome: 'rejected',
    counter: wanted.map(([reason], k) => `${reason} +${counts[k]}`).join(', '),
    confirm: () => inspect(system, expected, from, to),
  }

  async function rises(): Promise<number[]> {
    const now = await Promise.all(wanted.map(([reason]) => processorRejected(system, reason)))
    return now.map((count, k) => count - before[k]!)
  }
}

async function inspect({ api }: System, { reasons, lost }: Expected, from: number, to: number) {
  const found = (await readTopic(api, 'rejected', from, to))
    .map(({ record }) => record as unknown as RejectedRecord)
    .filter(({ at }) => at === 'prepare')
  const counts = Object.fromEntries([...Map.groupBy(found, ({ reason }) => reason)].map(([reason, all]) => [reason, all.length]))
  const named = found.reduce((sum, record) => sum + record.lost[0], 0)
  const isHeld =
    Object.entries({ ...counts, ...reasons }).every(([reason]) => counts[reason] === reasons[reason]) &&
    (lost === undefined || named === lost) &&
    found.every(({ topic, detail }) => topic !== undefined && detail !== '')
  return { isHeld, outcome: `${found.length} records, ${named} readings: ${found[0]?.detail.slice(0, 60)}` }
}
