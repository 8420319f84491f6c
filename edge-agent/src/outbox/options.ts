import { z } from 'zod'

const MiB = 1024 * 1024

/** Bounds of the outbox and what happens at them. */
export const outboxSchema = z.strictObject({
  bytesMax: z
    .int()
    .min(1024)
    .default(256 * MiB)
    .describe('Most bytes of batches kept; at this bound `policy` decides'),
  ageMaxMs: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'Batches older than this are evicted; 0 keeps them without limit. The age counts while the clock is known to be sane',
    ),
  freeDiskMin: z
    .int()
    .min(0)
    .default(64 * MiB)
    .describe('The outbox stops growing when the disk has less than this left'),
  policy: z
    .enum(['oldest', 'newest', 'decimate'])
    .default('oldest')
    .describe('At the bound: evict the oldest batches, refuse the newest, or evict every second batch of the older half'),
  batchBytesMax: z
    .int()
    .min(256)
    .default(48 * 1024)
    .describe('Most bytes of one batch on the wire, as estimated; keep it below the packet limit of the broker'),
  batchReadingsMax: z.int().min(1).default(5000).describe('Most scalar readings of one batch'),
  ledgerEveryMs: z.number().min(0).default(1000).describe('Counts are sent at most this often'),
  liveMs: z.number().min(0).default(2000).describe('Batches younger than this, never sent before, are live; all else is backlog'),
  memoryBytesMax: z
    .int()
    .min(0)
    .default(8 * MiB)
    .describe('Most bytes held in memory while the disk takes no writes'),
  cacheBytesMax: z
    .int()
    .min(0)
    .default(2 * MiB)
    .describe('Most bytes of fresh batches kept in memory, to be sent without reading them back'),
  indexEntriesMax: z
    .int()
    .min(8)
    .default(16 * 1024)
    .describe('About so many batches are known one by one in memory, 400 bytes each; of the others the disk is asked in time'),
  releaseMs: z
    .number()
    .min(0)
    .default(50)
    .describe('Receipted batches are removed from the disk together, at most this much later'),
})

export type OutboxOptions = z.infer<typeof outboxSchema>
