/** Bytes a sample of real recordings: in the embedded store after the hourly merge, in the archive, and as CSV with zstd. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdCompressSync } from 'node:zlib'
import type { LogRecord } from '@millrace/cloud-processor/log'
import { openEmbeddedStore } from '@millrace/cloud-processor/stores'
import { encodeJson, type TimelineRecord } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import { nodeDisk } from '../../cloud-processor/src/sinks/archive/disk.ts'
import { ArchivePartition } from '../../cloud-processor/src/sinks/archive/partition.ts'

const recordings = process.env.MILLRACE_RECORDINGS ?? '../shared/recordings'

export async function storageBench(dir: string): Promise<void> {
  if (!existsSync(recordings)) {
    console.log(`storage: skipped, no recordings in ${recordings} (MILLRACE_RECORDINGS names the folder)`)
    return
  }
  mkdirSync(dir, { recursive: true })
  await measure('ECG, MIT-BIH 100, two leads at 360 Hz', join(dir, 'ecg.sqlite'), ecg())
  await measure('vitals, bedside numerics, taken as one a second', join(dir, 'vitals.sqlite'), vitals(1000))
  await measure('vitals, bedside numerics, one a minute as recorded', join(dir, 'slow.sqlite'), vitals(60_000))
}

async function measure(name: string, path: string, records: TimelineRecord[]): Promise<void> {
  const store = await openEmbeddedStore({ path }, { log: silentLog, metrics: createMetrics() })
  await store.open('bench', 0)
  let samples = 0
  const logged = records.map((record, offset): LogRecord => {
    if (record.k === 'readings') {
      for (const { t } of Object.values(record.channels)) samples += t.length
      for (const segments of Object.values(record.waves)) for (const { v } of segments) samples += v.length
    }
    return { offset, key: '', value: encodeJson(record), timeMs: 0 }
  })
  for (let from = 0; from < logged.length; from += 200) await store.write(0, logged.slice(from, from + 200))
  await store.merge()
  await store.close()
  const { chunks, minutes, used } = sizesOf(path)
  const each = (bytes: number) => (bytes / samples).toFixed(2)
  console.log(
    `storage: ${each(chunks)} bytes a sample in merged chunks, ${each(minutes)} in minute roll-ups, ${each(used)} of pages in use: ${name}, ${samples} samples`,
  )
  const archive = archiveBytes(`${path}.archive`, logged)
  console.log(`storage: ${each(archive)} bytes a sample in the archive, ${each(csvBytes(records))} as CSV with zstd: ${name}`)
}

function archiveBytes(folder: string, records: LogRecord[]): number {
  const config = { everyMinutes: 0, rowsMax: 1e9, samplesMax: 1e9, mergeAfterMinutes: 0 }
  const partition = new ArchivePartition(nodeDisk(folder), 0, { config, log: 'bench', start: 0 })
  partition.write(records)
  return partition.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** A line a sample: device, channel, time, value. */
function csvBytes(records: TimelineRecord[]): number {
  const lines: string[] = []
  for (const record of records) {
    if (record.k !== 'readings') continue
    for (const [channel, { t, v }] of Object.entries(record.channels))
      for (const [k, ms] of t.entries()) lines.push(`${record.device},${channel},${new Date(ms).toISOString()},${v[k]}`)
    for (const [channel, segments] of Object.entries(record.waves))
      for (const { t, i, v } of segments)
        for (const [k, value] of v.entries())
          lines.push(`${record.device},${channel},${new Date(t + k * i).toISOString()},${value}`)
  }
  return zstdCompressSync(lines.join('\n')).length
}

/** Free pages are reused and do not count. */
function sizesOf(path: string): { chunks: number; minutes: number; used: number } {
  const file = new DatabaseSync(path, { readOnly: true })
  const one = (sql: string) => Number(Object.values(file.prepare(sql).get()!)[0] ?? 0)
  const sizes = {
    chunks: one('SELECT sum(length(body)) FROM chunks'),
    minutes: one('SELECT sum(length(body)) FROM minutes'),
    used: (one('PRAGMA page_count') - one('PRAGMA freelist_count')) * one('PRAGMA page_size'),
  }
  file.close()
  return sizes
}

const startMs = Date.UTC(2026, 0, 1)
const readings = (rest: Pick<Extract<TimelineRecord, { k: 'readings' }>, 'channels' | 'waves'>): TimelineRecord => ({
  f: 1,
  k: 'readings',
  subject: 'd',
  device: 'd',
  stream: 'bench000',
  hist: false,
  receivedMs: startMs,
  ...rest,
})

/** WFDB format 212: two 12-bit samples in three bytes. */
function ecg(): TimelineRecord[] {
  const bytes = readFileSync(join(recordings, 'ecg-mitdb/100.dat'))
  const leads: number[][] = [[], []]
  const signed = (v: number) => (v > 2047 ? v - 4096 : v)
  for (let i = 0; i + 2 < bytes.length; i += 3) {
    leads[0]!.push(signed(bytes[i]! | ((bytes[i + 1]! & 0x0f) << 8)))
    leads[1]!.push(signed(bytes[i + 2]! | ((bytes[i + 1]! & 0xf0) << 4)))
  }
  const records: TimelineRecord[] = []
  for (let from = 0; from < leads[0]!.length; from += 36) {
    const segment = (lead: number[]) => [
      { t: startMs + Math.round((from * 1000) / 360), i: 1000 / 360, v: lead.slice(from, from + 36) },
    ]
    records.push(readings({ channels: {}, waves: { MLII: segment(leads[0]!), V5: segment(leads[1]!) } }))
  }
  return records
}

/** The columns of vitals.csv, tenths as integers. */
function vitals(everyMs: number): TimelineRecord[] {
  const [head, ...lines] = readFileSync(join(recordings, 'bedside-numerics/vitals.csv'), 'utf8').trim().split('\n')
  const names = head!.split(',').slice(1)
  return lines.map((line, k) => {
    const channels: Record<string, { t: number[]; v: number[] }> = {}
    for (const [i, text] of line.split(',').slice(1).entries()) {
      if (text !== '') channels[names[i]!] = { t: [startMs + k * everyMs], v: [Math.round(Number(text) * 10)] }
    }
    return readings({ channels, waves: {} })
  })
}
