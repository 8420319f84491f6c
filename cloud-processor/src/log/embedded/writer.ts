/** The worker that owns the log's file. One message is one transaction; messages are served in order. */
import { workerData } from 'node:worker_threads'
import { constants, zstdCompressSync } from 'node:zlib'
import { describe, isCorrupt, isDamage, transaction } from '@millrace/platform/sqlite'
import { Refusal, serveCalls } from '@millrace/platform/worker-side'
import { type LogFile, openFile, slotSpan } from './file.ts'
import type { Group, Opened, Totals, Trim, WriterAsk } from './protocol.ts'
import { isRescueWanted, mayBeRescued, type Rescued, rescue, wantRescue } from './rescue.ts'
import { checkedTime } from './row.ts'
import { Snapshots } from './snapshots.ts'
import { createTrimmer } from './trim.ts'

const { path, partitions } = workerData as { path: string; partitions: number }

serveCalls<WriterAsk>(
  () => {
    const { file, rescued } = openOrRescue()
    const calls = createCalls(file)
    return {
      opened: { id: file.id, slots: file.slots, marks: file.marks, rescued } satisfies Opened,
      answer: (ask) =>
        ask.k === 'group' ? calls.group(ask.group) : ask.k === 'trim' ? calls.trim(ask.trim) : calls.snapshot(ask),
      close: () => file.close(),
    }
  },
  (cause) => ({ code: isDamage(cause) ? 'LOG_CORRUPT' : 'LOG_OPEN', values: { path, detail: describe(cause) } }),
)

function openOrRescue(): { file: LogFile; rescued?: Rescued } {
  try {
    if (!isRescueWanted(path)) return { file: openFile(path, partitions) }
  } catch (cause) {
    if (!(cause instanceof Refusal) || cause.code !== 'LOG_CORRUPT' || !mayBeRescued(path)) throw cause
  }
  const rescued = rescue(path, (newPath) => openFile(newPath, partitions))
  return { file: openFile(path, partitions), rescued }
}

function createCalls(file: LogFile) {
  const snapshots = new Snapshots(file.db)
  const writeGroup = createWrite(file, snapshots)
  const trimSlice = createTrimmer(file.db)
  return {
    group(group: Group): Totals {
      const totals = new Map<number, number>()
      write(file, () => writeGroup(group, totals))
      for (const [slot, total] of totals) file.slots[slot]!.total = total
      return [...totals]
    },
    trim: (trim: Trim) => write(file, () => trimSlice(trim)),
    snapshot: ({ stage, partition }: { stage: string; partition: number }) => snapshots.find(stage, partition),
  }
}

/** All or nothing. @throws Refusal LOG_WRITE */
function write<T>({ db }: LogFile, work: () => T): T {
  try {
    return transaction(db, work)
  } catch (cause) {
    // No retry helps; the next start does.
    if (isCorrupt(cause)) wantRescue(path)
    throw new Refusal(isCorrupt(cause) ? 'LOG_CORRUPT' : 'LOG_WRITE', { path, detail: describe(cause) })
  }
}

function createWrite({ db, slots }: LogFile, kept: Snapshots): (group: Group, totals: Map<number, number>) => void {
  const block = db.prepare('INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)')
  const mark = db.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)')
  const reader = db.prepare('INSERT OR REPLACE INTO readers VALUES (?, ?, ?)')
  const forget = db.prepare('DELETE FROM readers WHERE name = ?')
  return (group, totals) => {
    for (const { slot, first, count, timeMs, from, to } of group.blocks) {
      const bytes = pack(group.buffer.subarray(from, to))
      const total = (totals.get(slot) ?? slots[slot]!.total) + bytes.length
      totals.set(slot, total)
      block.run(slot * slotSpan + first, count, checkedTime(timeMs), total, to - from, bytes)
    }
    for (const { slot, log, partition, offset, index } of group.marks) mark.run(slot, log, partition, offset, index)
    for (const row of group.snapshots) kept.put(row)
    for (const { name, slot, next } of group.readers)
      if (next < 0) forget.run(name)
      else reader.run(name, slot, kept.neededFrom(name, slots[slot]!.partition, next))
  }
}

/** Compressing a small block costs more than writing it; a large one is written faster, and the log reaches further back. */
const packBytesMin = 16 * 1024
const packLevel = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

function pack(block: Uint8Array): Uint8Array {
  if (block.length < packBytesMin) return block
  const packed = zstdCompressSync(block, packLevel)
  return packed.length < block.length * 0.9 ? packed : block
}
