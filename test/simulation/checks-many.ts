/**
 * What must hold when all is in peace and several processors shared a log. The reader here follows the published rule: of one
 * partition it ignores a record that is not above its mark for (source log, source partition). What it sees is compared
 * with one undisturbed run of the same stages.
 */
import type { LogRecord } from '@millrace/cloud-processor/log'
import { partitionOf } from '@millrace/cloud-processor/log'
import { createPrepareStage } from '@millrace/cloud-processor/prepare'
import { createRulesStage } from '@millrace/cloud-processor/rules'
import { type Marks, pass, type Stage } from '@millrace/cloud-processor/stage'
import { type AlarmTopicRecord, decodeJson, type Topic, topics } from '@millrace/contract'
import type { DeviceTruth } from './agent.ts'
import { checkDevice, checkLedger } from './checks.ts'
import { assignmentsOf, type Member } from './member.ts'
import { isExclusive } from './planted.ts'
import { prepareConfig, rules } from './processor.ts'
import type { SharedLog } from './shared-log.ts'
import type { SharedStore } from './shared-store.ts'
import { applyStore, emptyStore, type StoreImage } from './store-disk.ts'

export interface ObservedMany {
  truths: DeviceTruth[]
  log: SharedLog
  store: SharedStore
  /** Keys that the receiver was told, with how often. */
  told: ReadonlyMap<string, number>
  members: Member[]
  isOnline: boolean
  /** Every process works on everything: the control. */
  allWork: boolean
}

export const waiting = 'still running: '
export const isWaiting = (found: string[]) => found.some((text) => text.startsWith(waiting))

/** First what is still on its way, which a later look may find done; then, when nothing is, what must be the same. */
export function checkMany(observed: ObservedMany): string[] {
  const early = [...checkAssignments(observed), ...(observed.isOnline ? [] : ['STATE is offline, or gone'])]
  if (early.length > 0) return early
  const image = readByTheRule(observed.log)
  const late = [
    ...observed.truths.flatMap((truth) => checkDevice(truth, image)),
    ...checkLedger({ truths: observed.truths, lies: false }, image),
    ...checkStore(observed.store, image),
    ...checkNotifications(observed),
  ]
  return late.length > 0 ? late : checkSameAsUndisturbed(observed.log)
}

function checkAssignments({ members, log, allWork }: ObservedMany): string[] {
  const held = members.flatMap((member) => member.held())
  const behind = members.flatMap((member) => member.behind())
  const broken = behind.length > 0 ? [`${waiting}${behind}`] : []
  for (const assignment of assignmentsOf(log.partitions)) {
    const times = held.filter((one) => one === assignment).length
    const isRight = allWork && !isExclusive(assignment.split('/')[0]!) ? times === members.length : times === 1
    if (!isRight) broken.push(`${assignment} is held by ${times} processes`)
  }
  return broken
}

function readByTheRule(log: SharedLog): StoreImage {
  const image = emptyStore()
  for (let partition = 0; partition < log.partitions; partition++)
    applyStore(image, { partition, records: [...log.records(topics.timeline, partition)] })
  return image
}

function checkStore(store: SharedStore, image: StoreImage): string[] {
  const broken = store.wrong.slice(0, 3)
  for (const series of new Set([...store.rows.keys(), ...image.rows.keys()])) {
    const has = store.rows.get(series) ?? new Map<number, unknown>()
    const should = image.rows.get(series) ?? new Map<number, unknown>()
    const missing = [...should].filter(([t, v]) => has.get(t) !== v)
    if (missing.length > 0) broken.push(`${series}: ${missing.length} rows are not in the store`)
    if (has.size > should.size) broken.push(`${series}: ${has.size - should.size} rows in the store that the timeline has not`)
  }
  for (const [device, counted] of store.collapsed) {
    const should = (image.collapsed.get(device) ?? [0, 0]).reduce((sum, kind) => sum + kind, 0)
    if (counted.size !== should)
      broken.push(
        `${device}: ${counted.size} are counted as collapsed, and ${should} are twice on the timeline: ${[...counted][0]}`,
      )
  }
  return broken
}

function checkNotifications({ log, told }: ObservedMany): string[] {
  const broken: string[] = []
  const due = new Set<string>()
  const settled = new Set<string>()
  const changes = new Set<string>()
  for (let partition = 0; partition < log.partitions; partition++) {
    const marks: Marks = {}
    for (const { source, value } of log.records(topics.alarms, partition)) {
      if (!pass(marks, source)) continue
      const record = decodeJson<AlarmTopicRecord>(value)
      if (record.k === 'settled') settled.add(`${record.key} ${record.state}`)
      else if (record.k === 'notification') {
        if (due.has(record.key)) broken.push(`${record.key} is due twice`)
        due.add(record.key)
      } else {
        const change = `${record.id}#${record.change}`
        if (changes.has(change)) broken.push(`${change} is in the alarms twice`)
        changes.add(change)
      }
    }
  }
  for (const key of due) {
    if (!told.has(key) && !settled.has(`${key} withheld`)) broken.push(`${key} was never told`)
    else if (told.has(key) && !settled.has(`${key} sent`)) broken.push(`${key} was told, but the log does not know`)
  }
  for (const key of told.keys()) if (!due.has(key)) broken.push(`${key} was told and is not due`)
  return broken
}

/** The same log gives the same result, whichever process worked on it, and how often. */
function checkSameAsUndisturbed(log: SharedLog): string[] {
  const broken = compare(log, runAgain(createPrepareStage(prepareConfig, log.partitions), log), [
    topics.timeline,
    topics.rejected,
  ])
  return broken.length > 0 ? broken : compare(log, runAgain(createRulesStage(rules), log), [topics.alarms])
}

/** By topic, output partition and source partition: what one run makes of the input as a reader sees it. */
function runAgain<State>(stage: Stage<State>, log: SharedLog): Map<string, LogRecord[]> {
  const made = new Map<string, LogRecord[]>()
  for (let partition = 0; partition < log.partitions; partition++) {
    const state = stage.initial(partition)
    const marks: Marks = {}
    for (const record of log.records(stage.input, partition)) {
      if (!pass(marks, record.source)) continue
      let index = 0
      stage.step(state, record, (topic, key, value) => {
        const to = key === null ? Array.from({ length: log.partitions }, (_, p) => p) : [partitionOf(key, log.partitions)]
        for (const output of to) {
          const place = `${topic}/${output} from ${partition}`
          const list = made.get(place) ?? []
          made.set(place, list)
          const source = { log: log.id, partition, offset: record.offset, index: index++ }
          list.push({ offset: list.length, key: key ?? '', value, timeMs: 0, source })
        }
      })
    }
  }
  return made
}

/** All of it, in order: a gap, a repeat and another order show alike. */
function compare(log: SharedLog, made: Map<string, LogRecord[]>, of: Topic[]): string[] {
  for (const topic of of) {
    for (let partition = 0; partition < log.partitions; partition++) {
      const marks: Marks = {}
      const seen = log.records(topic, partition).filter(({ source }) => source && pass(marks, source))
      const bySource = Map.groupBy(seen, ({ source }) => source!.partition)
      for (let from = 0; from < log.partitions; from++) {
        const place = `${topic}/${partition} from ${from}`
        const found = difference(bySource.get(from) ?? [], made.get(place) ?? [])
        if (found) return [`${place} ${found}`]
      }
    }
  }
  return []
}

function difference(seen: LogRecord[], made: LogRecord[]): string | undefined {
  const text = (record: LogRecord | undefined) =>
    record ? `${record.source!.offset}.${record.source!.index} ${Buffer.from(record.value).toString().slice(0, 160)}` : 'nothing'
  for (let i = 0; i < Math.max(seen.length, made.length); i++) {
    const [a, b] = [seen[i], made[i]]
    const isSame =
      a &&
      b &&
      a.source!.offset === b.source!.offset &&
      a.source!.index === b.source!.index &&
      Buffer.compare(a.value, b.value) === 0
    if (!isSame)
      return `differs at ${i} of ${seen.length} and ${made.length}: ${text(a)} was seen, ${text(b)} is made undisturbed`
  }
  return undefined
}
