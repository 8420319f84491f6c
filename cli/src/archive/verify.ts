/**
 * The ledger of an archive: its files against the manifest, the manifest against itself and the cuts of the ledger, and the days
 * that the log of a running processor still has whole against the log.
 */
import { type DayView, daysOf, faultsOf, type Manifest, manifestsOf } from '@millrace/cloud-processor/archive'
import { type Marks, pass } from '@millrace/cloud-processor/stage'
import type { ReadingsRecord, Source, Tally } from '@millrace/contract'
import type { Api } from '../api.ts'

export interface PartitionVerdict {
  partition: number
  readings: number
  samples: number
  collapsed: Tally
  days: number
  files: number
  completeToMs: number | undefined
  behind: Manifest['behind']
  late: Tally
  /** Days compared with the log; undefined: they were not. */
  compared?: number
  faults: string[]
}

export interface ArchiveVerdict {
  isWhole: boolean
  folder: string
  partitions: PartitionVerdict[]
}

/** @param api of the processor whose log is to be compared; absent: none is */
export async function verifyArchive(folder: string, api?: Api): Promise<ArchiveVerdict> {
  const partitions: PartitionVerdict[] = []
  for (const manifest of manifestsOf(folder)) {
    const days = daysOf(manifest)
    const faults = await faultsOf(folder, manifest)
    const found = api ? await compareWithLog(api, manifest, days) : undefined
    partitions.push({
      ...pick(manifest),
      readings: days.reduce((sum, day) => sum + day.readings, 0),
      samples: days.reduce((sum, day) => sum + day.samples, 0),
      days: days.length,
      files: manifest.files.length,
      ...(found && { compared: found.compared }),
      faults: [...faults, ...(found?.faults ?? [])],
    })
  }
  return { isWhole: partitions.every(({ faults }) => faults.length === 0), folder, partitions }
}

const pick = ({ partition, collapsed, completeToMs, behind, late }: Manifest) => ({
  ...{ partition, collapsed, completeToMs, behind, late },
})

const topic = 'timeline'

/** Of days of which the log has everything that was archived. */
async function compareWithLog(api: Api, manifest: Manifest, days: DayView[]): Promise<{ compared: number; faults: string[] }> {
  const { log, next } = manifest.logs.at(-1)!
  const { start } = await api.log(topic, manifest.partition, undefined)
  const inLog = await countDays(api, manifest.partition, { start, next })
  const isTrimmed = (day: string) =>
    manifest.files.some((file) => file.day === day && file.positions.some((at) => at.log !== log || at.from < start))
  // Of a day whose first records are gone the log has fewer.
  const whole = new Set([...days.map(({ day }) => day), ...inLog.keys()].filter((day) => start === 0 || !isTrimmed(day)))
  const byDay = new Map(days.map((day) => [day.day, day]))
  const faults = [...whole].sort().flatMap((day) => {
    const [readings, samples] = inLog.get(day) ?? [0, 0]
    const archived = byDay.get(day)
    const has: Tally = [0, 1].map((k) => [archived?.readings, archived?.samples][k]! + (archived?.collapsed[k] ?? 0)) as Tally
    if (archived && has[0] === readings && has[1] === samples) return []
    return [`${day}: the log has ${readings} readings and ${samples} samples, the archive ${has[0] || 0} and ${has[1] || 0}`]
  })
  return { compared: whole.size, faults }
}

async function countDays(api: Api, partition: number, { start, next }: { start: number; next: number }) {
  const days = new Map<string, Tally>()
  const marks: Marks = {}
  for (let from = start; from < next; ) {
    const { records } = await api.log(topic, partition, from)
    if (records.length === 0) break
    for (const { offset, record, source } of records)
      if (offset < next && record.k === 'readings' && pass(marks, source as Source | undefined))
        count(record as unknown as ReadingsRecord, days)
    from = records.at(-1)!.offset + 1
  }
  return days
}

function count(record: ReadingsRecord, days: Map<string, Tally>): void {
  const add = (ms: number, k: 0 | 1, by: number) => {
    const day = new Date(ms).toISOString().split('T')[0]!
    const tally = days.get(day) ?? [0, 0]
    days.set(day, tally)
    tally[k] += by
  }
  for (const { t } of Object.values(record.channels)) for (const ms of t) add(ms, 0, 1)
  for (const { t, v } of Object.values(record.waves).flat()) add(t, 1, v.length)
}
