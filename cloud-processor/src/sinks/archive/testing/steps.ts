/** What the tests of an archive do with it, and what they look for in it. */
import type { ReadingsRecord, TimelineRecord } from '@millrace/contract'
import type { LogRecord } from '../../../log/log.ts'
import type { Disk } from '../disk.ts'
import { rowsOf } from '../file-rows.ts'
import { readManifest } from '../manifest.ts'
import { ArchivePartition, type PartitionConfig } from '../partition.ts'

const config: PartitionConfig = { everyMinutes: 3 / 60, rowsMax: 1000, samplesMax: 1_000_000, mergeAfterMinutes: 0 }
export const open = (disk: Disk, log = 'log-a') => new ArchivePartition(disk, 0, { config, log, start: 0 })

/** As the role does: in steps, from where the archive is; merges in between. */
export async function archiveAll(disk: Disk, all: LogRecord[]): Promise<ArchivePartition> {
  const partition = open(disk)
  for (let from = partition.next; from < all.length; from += 10) {
    partition.write(all.slice(from, from + 10))
    await partition.merge()
  }
  return partition
}

/** What was archived: series and time, and what is there. */
export async function contentsOf(disk: Disk): Promise<Map<string, unknown>> {
  const found = new Map<string, { position: bigint; value: unknown }>()
  for (const { path } of readManifest(disk, 0)!.files) {
    for await (const rows of rowsOf(disk, path))
      for (const [k, device] of rows.device.entries()) {
        const key = [device, rows.channel[k], rows.time[k]].join()
        const value = rows.samples[k] ?? rows.raw[k] ?? rows.value[k] ?? rows.text[k] ?? rows.flag[k]
        const position = rows.position[k] as bigint
        if ((found.get(key)?.position ?? -1n) < position) found.set(key, { position, value })
      }
  }
  return new Map([...found].map(([key, { value }]) => [key, value]))
}

export function contentsOfLog(all: LogRecord[]): Map<string, unknown> {
  const wanted = new Map<string, unknown>()
  for (const { value } of all) {
    const record: TimelineRecord = JSON.parse(Buffer.from(value).toString())
    if (record.k !== 'readings') continue
    const { device, channels, waves } = record as ReadingsRecord
    for (const [name, { t, v }] of Object.entries(channels))
      for (const [k, ms] of t.entries()) wanted.set(`${device},${name},${ms * 1000}`, v[k])
    for (const [name, segments] of Object.entries(waves))
      for (const { t, v } of segments) wanted.set(`${device},${name},${t * 1000}`, v)
  }
  return wanted
}
