/**
 * The board of log/board.ts as a topic of one partition, which Kafka clears by itself. It is followed with the other partitions:
 * no request of its own. Notes from before this process began to listen are not seen, nor those that Kafka dropped meanwhile.
 */
import { type Log as Lines, MillraceError } from '@millrace/contract/service'
import type { Board } from '../board.ts'
import type { At, KafkaRecord } from './client.ts'
import type { createReader } from './reader.ts'

const limit = { records: 1000, bytes: 1 << 20 }

export interface BoardOptions {
  at: At
  reader: ReturnType<typeof createReader>
  append(at: At, records: KafkaRecord[]): Promise<number>
  lines: Lines
  isClosed(): boolean
  /** Waits before the next try. */
  pause(): Promise<void>
}

export function createBoard({ at, reader, append, lines, isClosed, pause }: BoardOptions): Board & { ring(): void } {
  const listeners = new Set<(note: Uint8Array) => void>()
  let isReading = false
  let wake = () => {}

  /** Runs while somebody listens. */
  async function read(): Promise<void> {
    let next: number | undefined
    while (listeners.size > 0 && !isClosed()) {
      try {
        next ??= (await reader.bounds(at)).end
        const rung = new Promise<void>((resolve) => {
          wake = resolve
        })
        const notes = await reader.read(at, next, limit)
        for (const { offset, value } of notes) {
          next = offset + 1
          tell(value)
        }
        if (notes.length === 0) await rung
      } catch (error) {
        if (error instanceof MillraceError && error.code === 'LOG_OFFSET_GONE') next = undefined
        else if (!isClosed()) lines.warn('cannot read the board', { error })
        await pause()
      }
    }
  }

  function tell(note: Uint8Array): void {
    for (const listener of listeners) {
      try {
        listener(note)
      } catch (error) {
        lines.error('a listener of the board failed', { error })
      }
    }
  }

  function start(): void {
    if (isReading) return
    isReading = true
    void read().finally(() => {
      isReading = false
      if (listeners.size > 0 && !isClosed()) start()
    })
  }

  return {
    async post(note) {
      await append(at, [{ key: '', value: note }])
    },
    onNote(listener) {
      listeners.add(listener)
      start()
      return () => {
        listeners.delete(listener)
        wake()
      }
    },
    ring: () => wake(),
  }
}
