/** The worker that owns the log's file. One message is one transaction; messages are served in order. */
import { parentPort, workerData } from 'node:worker_threads'
import { constants, zstdCompressSync } from 'node:zlib'
import { describe } from '@millrace/platform/sqlite'
import { type LogFile, openFile, Refusal, slotSpan } from './file.ts'
import type { Failure, FromWriter, Group, SnapshotRow, ToWriter, Trim } from './protocol.ts'
import { createTrimmer } from './trim.ts'

const { path, partitions } = workerData as { path: string; partitions: number }
const port = parentPort!
const send = (message: FromWriter) => port.postMessage(message)

try {
  const file = openFile(path, partitions)
  serve(file)
  send({ k: 'open', id: file.id, slots: file.slots, marks: file.marks })
} catch (cause) {
  const failure =
    cause instanceof Refusal ? cause.failure : { code: 'LOG_OPEN' as const, values: { path, detail: describe(cause) } }
  send({ k: 'refused', failure })
}

function serve(file: LogFile): void {
  const write = createWrite(file)
  const trimSlice = createTrimmer(file.db)
  const findSnapshot = file.db.prepare('SELECT stage, partition, next, state FROM snapshots WHERE stage = ? AND partition = ?')
  const answer = {
    group(group: Group) {
      const totals = new Map<number, number>()
      const failure = transaction(file, () => write(group, totals))
      if (!failure) for (const [slot, total] of totals) file.slots[slot]!.total = total
      send({ k: 'group', totals: [...totals], failure })
    },
    trim(trim: Trim) {
      let done: ReturnType<typeof trimSlice> = { slots: [], more: false }
      const failure = transaction(file, () => {
        done = trimSlice(trim)
      })
      send({ k: 'trim', ...(failure ? { slots: [], more: false, failure } : done) })
    },
    snapshot(stage: string, partition: number) {
      try {
        send({ k: 'snapshot', found: findSnapshot.get(stage, partition) as unknown as SnapshotRow | undefined })
      } catch (cause) {
        send({ k: 'snapshot', failure: { code: 'LOG_READ', values: { path, detail: describe(cause) } } })
      }
    },
  }
  port.on('message', (message: ToWriter) => {
    if (message.k === 'group') answer.group(message.group)
    else if (message.k === 'trim') answer.trim(message.trim)
    else if (message.k === 'snapshot') answer.snapshot(message.stage, message.partition)
    else {
      file.close()
      port.close()
    }
  })
}

/** All or nothing. A failure leaves the file as it was, and the connection ready for the next. */
function transaction(file: LogFile, work: () => void): Failure | undefined {
  try {
    file.db.exec('BEGIN IMMEDIATE')
    work()
    file.db.exec('COMMIT')
    return undefined
  } catch (cause) {
    if (file.db.isTransaction) file.db.exec('ROLLBACK')
    return { code: 'LOG_WRITE', values: { path, detail: describe(cause) } }
  }
}

function createWrite({ db, slots }: LogFile): (group: Group, totals: Map<number, number>) => void {
  const block = db.prepare('INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)')
  const mark = db.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)')
  const snapshot = db.prepare('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)')
  const reader = db.prepare('INSERT OR REPLACE INTO readers VALUES (?, ?, ?)')
  const forget = db.prepare('DELETE FROM readers WHERE name = ?')
  return (group, totals) => {
    for (const { slot, first, count, timeMs, from, to } of group.blocks) {
      const bytes = pack(group.buffer.subarray(from, to))
      const total = (totals.get(slot) ?? slots[slot]!.total) + bytes.length
      totals.set(slot, total)
      block.run(slot * slotSpan + first, count, timeMs, total, to - from, bytes)
    }
    for (const { slot, log, partition, offset, index } of group.marks) mark.run(slot, log, partition, offset, index)
    for (const { stage, partition, next, state } of group.snapshots) snapshot.run(stage, partition, next, state)
    for (const { name, slot, next } of group.readers) next < 0 ? forget.run(name) : reader.run(name, slot, next)
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
