/** What must hold when all is in peace. Each check says in a sentence what was broken. */

import type { LogRecord } from '@millrace/cloud-processor/log'
import { partitionOf } from '@millrace/cloud-processor/log'
import { createPrepareStage } from '@millrace/cloud-processor/prepare'
import { createRulesStage } from '@millrace/cloud-processor/rules'
import type { Stage } from '@millrace/cloud-processor/stage'
import type { StoredGap } from '@millrace/cloud-processor/stores'
import { addTally, type CutRecord, type Tally, type Topic, topics } from '@millrace/contract'
import { account, type Evidence } from 'millrace/account'
import type { DeviceTruth } from './agent.ts'
import type { Disk } from './disk.ts'
import { applyFrame, emptyImage, type LogFrame, type LogImage } from './log-disk.ts'
import { prepareConfig, rules } from './processor.ts'
import { applyStore, emptyStore, type StoreFrame, type StoreImage } from './store-disk.ts'

export interface Observed {
  truths: DeviceTruth[]
  logDisk: Disk<LogFrame>
  storeDisk: Disk<StoreFrame>
  logId: string
  partitions: number
  /** The outbox's disk took back what it had said was durable: streams may go on above their last count. */
  lies: boolean
}

export function checkAll(observed: Observed): string[] {
  const log = emptyImage()
  for (const frame of observed.logDisk.frames()) applyFrame(log, frame)
  const store = emptyStore()
  for (const frame of observed.storeDisk.frames()) applyStore(store, frame)
  return [
    ...observed.truths.flatMap((truth) => checkDevice(truth, store)),
    ...checkLedger(observed, store),
    ...checkSameResult(observed, log),
  ]
}

/** Committed ⊆ stored, once, value for value; stored ⊆ produced; what is missing lies under a gap that counts it. */
export function checkDevice({ device, produced, committed }: DeviceTruth, store: StoreImage): string[] {
  const broken: string[] = []
  const rows = store.rows.get(`${device}/count`) ?? new Map<number, unknown>()
  const seen = new Set<number>()
  for (const [t, v] of rows) {
    const truth = produced[v as number]
    if (truth?.t !== t) broken.push(`${device}: stored ${v} at ${t}, which was not produced there`)
    if (seen.has(v as number)) broken.push(`${device}: ${v} is stored twice`)
    seen.add(v as number)
  }
  const missing = [...committed.keys()].filter((k) => !seen.has(k))
  const gaps = store.gaps.filter((gap) => gap.device === device && gap.reason === 'evicted')
  const uncovered = missing.filter((k) => !gaps.some(({ fromMs, toMs }) => produced[k]!.t >= fromMs && produced[k]!.t <= toMs!))
  if (uncovered.length > 0)
    broken.push(`${device}: ${uncovered.length} committed readings are lost, the first is ${uncovered[0]}`)
  const times = new Set([...committed.keys()].map((k) => produced[k]!.t))
  if (times.size < committed.size) broken.push(`${device}: ${committed.size - times.size} committed readings share a millisecond`)
  return [...broken, ...checkAccount(device, produced.length, gaps, store)]
}

/** The rule of `millrace verify`: what was read is in the store or in a term of the ledger, whatever gap lies over its time. */
function checkAccount(device: string, produced: number, gaps: StoredGap[], store: StoreImage): string[] {
  const found: Tally = [rowsOf(store, device, 'count') + rowsOf(store, device, 'level'), rowsOf(store, device, 'wave')]
  const named: Tally = [0, 0]
  for (const { lost } of gaps) if (lost) addTally(named, lost)
  const { wrong } = account({
    device,
    // Each frame gives two readings and two samples.
    produced: [2 * produced, 2 * produced],
    found,
    foundEver: found,
    foundElse: [0, 0],
    missingOutside: [0, 0],
    named: { here: named, elsewhere: [0, 0] },
    ...ledgerOf(store, device),
  })
  return wrong.map((text) => `${device}: ${text}`)
}

const rowsOf = ({ rows }: StoreImage, device: string, channel: string) => rows.get(`${device}/${channel}`)?.size ?? 0

/** Sums over the latest cut of each stream; all that came was counted, in the end at or below a cut. */
function ledgerOf(store: StoreImage, device: string): Pick<Evidence, 'ledger' | 'counted'> {
  const latest = new Map(store.cuts.filter((cut) => cut.device === device).map((cut) => [cut.record.stream, cut.record]))
  const sum = (of: (cut: CutRecord) => Tally | undefined): Tally => {
    const total: Tally = [0, 0]
    for (const cut of latest.values()) addTally(total, of(cut) ?? [0, 0])
    return total
  }
  const less = (from: Tally, ...others: Tally[]): Tally =>
    others.reduce<Tally>(([readings, samples], other) => [readings - other[0], samples - other[1]], from)
  const counts = (cut: CutRecord) => cut.devices[device]!
  const collapsed = store.collapsed.get(device) ?? [0, 0]
  const came = sum(({ stream }) => store.stored.get(`${stream}/${device}`))
  const stored = less(
    came,
    collapsed,
    sum((cut) => counts(cut).ahead),
  )
  const read = sum((cut) => counts(cut).edge.read)
  const filtered = sum((cut) => counts(cut).edge.filtered)
  const rejected = sum((cut) => counts(cut).rejected)
  addTally(
    rejected,
    sum((cut) => counts(cut).edge.rejected),
  )
  const evicted = sum((cut) => counts(cut).evicted)
  const difference = less(read, stored, filtered, rejected, evicted, collapsed)
  const ledger = { read, stored, filtered, rejected, evicted, collapsed, expired: [0, 0] as Tally, difference }
  return { ledger, counted: { ...ledger, stored: less(came, collapsed) } }
}

/** Every cut closes, and the last one of every stream has nothing above it. */
export function checkLedger({ truths, lies }: Pick<Observed, 'truths' | 'lies'>, store: StoreImage): string[] {
  const broken: string[] = []
  const latest = new Map<string, StoreImage['cuts'][number]>()
  for (const cut of store.cuts) {
    if (cut.difference !== 0)
      broken.push(`ledger of ${cut.device} does not close at ${cut.record.stream}/${cut.record.through} by ${cut.difference}`)
    latest.set(`${cut.record.stream}/${cut.device}`, cut)
  }
  for (const { device, committed } of truths) {
    const last = [...latest.values()].filter((cut) => cut.device === device)
    const read = last.reduce((sum, { record }) => sum + record.devices[device]!.edge.read[0], 0)
    if (read < 2 * committed.size)
      broken.push(`the last cuts of ${device} count ${read} read, but ${2 * committed.size} were committed`)
    const above = ({ devices }: (typeof last)[number]['record']) => (lies ? devices[device]!.ahead[0] : 0)
    const stored = last.reduce(
      (sum, { record }) => sum + (store.stored.get(`${record.stream}/${device}`)?.[0] ?? 0) - above(record),
      0,
    )
    const evicted = last.reduce((sum, { record }) => sum + record.devices[device]!.evicted[0], 0)
    if (read !== stored + evicted) broken.push(`${device}: read ${read}, but stored ${stored} and evicted ${evicted}`)
  }
  return broken
}

/** The same log gives the same result: the stages run again from the start make what they made live. */
function checkSameResult({ logId, partitions }: Observed, log: LogImage): string[] {
  const prepared = runAgain(createPrepareStage(prepareConfig, partitions), log, logId, partitions)
  const broken = [topics.timeline, topics.rejected].flatMap((topic) => compare(topic, log, prepared, partitions))
  if (broken.length > 0) return broken
  return compare(topics.alarms, log, runAgain(createRulesStage(rules), log, logId, partitions), partitions)
}

function runAgain<State>(stage: Stage<State>, log: LogImage, logId: string, partitions: number): Map<string, LogRecord[]> {
  const made = new Map<string, LogRecord[]>()
  for (let partition = 0; partition < partitions; partition++) {
    const state = stage.initial(partition)
    for (const record of log.topics.get(`${stage.input}/${partition}`) ?? []) {
      let index = 0
      stage.step(state, record, (topic, key, value) => {
        for (const to of key === null ? Array.from({ length: partitions }, (_, p) => p) : [partitionOf(key, partitions)]) {
          const list = made.get(`${topic}/${to}`) ?? []
          made.set(`${topic}/${to}`, list)
          const source = { log: logId, partition, offset: record.offset, index: index++ }
          list.push({ offset: list.length, key: key ?? '', value, timeMs: 0, source })
        }
      })
    }
  }
  return made
}

/** Partitions of the input run side by side, so the order is compared for each source partition. */
function compare(topic: Topic, log: LogImage, made: Map<string, LogRecord[]>, partitions: number): string[] {
  for (let partition = 0; partition < partitions; partition++) {
    for (let source = 0; source < partitions; source++) {
      const of = (records: LogRecord[] = []) => records.filter((record) => record.source?.partition === source)
      const live = of(log.topics.get(`${topic}/${partition}`))
      const again = of(made.get(`${topic}/${partition}`))
      // The newest input may not have been taken live yet; what was must be the same, in the same order.
      if (live.length > again.length)
        return [`${topic}/${partition}: ${live.length} records live, ${again.length} when run again`]
      const differs = live.findIndex(({ value }, i) => Buffer.compare(value, again[i]!.value) !== 0)
      if (differs >= 0) {
        const text = (value: Uint8Array) => Buffer.from(value).toString().slice(0, 200)
        return [
          `${topic}/${partition} differs at ${differs}: ${text(live[differs]!.value)} live, ${text(again[differs]!.value)} again`,
        ]
      }
    }
  }
  return []
}
