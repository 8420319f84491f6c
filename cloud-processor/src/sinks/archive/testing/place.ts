/** A sink as the role uses it: its position is opened before the first write and after each failure. */
import { topics } from '@millrace/contract'
import { createMetrics, systemClock } from '@millrace/platform'
import type { LogRecord } from '../../../log/log.ts'
import type { Sink } from '../../sink.ts'
import { openArchiveSink } from '../archive.ts'
import { archiveSinkSchema } from '../config.ts'

export const t0 = Date.UTC(2026, 10, 30, 12)

/** One reading, whose time tells the offset. */
export function readingAt(offset: number): LogRecord {
  const channels = { spo2: { t: [t0 + offset], v: [offset % 100] } }
  const device = { subject: 'bed-1', device: 'bed-1', stream: 'one', number: offset + 1 }
  const value = Buffer.from(JSON.stringify({ f: 1, k: 'readings', ...device, hist: false, receivedMs: t0, channels, waves: {} }))
  return { offset, key: 'bed-1', value, timeMs: t0, source: { log: 'raw', partition: 0, offset, index: 0 } }
}

/** It publishes at every write. */
export function openAtOnce(folder: string): Sink {
  const config = { ...archiveSinkSchema.parse({ kind: 'archive', everyMinutes: 0, mergeAfterMinutes: 0 }), folder }
  const sink = openArchiveSink(config, { metrics: createMetrics(), clock: systemClock })
  let isOpen = false
  return {
    ...sink,
    async write(log, topic, partition, records) {
      try {
        if (!isOpen) await sink.position!.open(log, topic, partition, 0)
        isOpen = true
        const refused = await sink.write(log, topic, partition, records)
        // The role comes again when what was refused is among the rejected.
        if (refused.length > 0) await sink.write(log, topic, partition, [])
        return refused
      } catch (error) {
        isOpen = false
        throw error
      }
    },
  }
}

export const topic = topics.timeline
