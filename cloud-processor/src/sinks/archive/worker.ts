/** The worker that owns an archive: parses, publishes and merges, one thing after the other. */
import { workerData } from 'node:worker_threads'
import { type Failure, Refusal, serveCalls } from '@millrace/platform/worker-side'
import { type Disk, nodeDisk } from './disk.ts'
import { ArchivePartition } from './partition.ts'
import { type PartitionState, type ToArchive, unpack, type WorkerConfig, type Written } from './protocol.ts'

const config = workerData as WorkerConfig

class ArchiveWriter {
  readonly #disk: Disk = nodeDisk(config.folder)
  readonly #partitions = new Map<number, ArchivePartition>()
  #before: Promise<unknown> = Promise.resolve()

  answer(ask: ToArchive): Promise<Written> {
    return this.#after(() => (ask.k === 'open' ? this.#open(ask) : this.#write(ask)))
  }

  /** Once the answer is sent: nobody waits for a merge but the next write. */
  answered({ k, partition }: ToArchive): void {
    if (k === 'write') void this.#after(() => this.#merge(partition)).catch(() => {})
  }

  async close(): Promise<void> {
    await this.#before
  }

  #after<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#before.then(work)
    this.#before = done.catch(() => {})
    return done
  }

  #open({ partition, log, start }: ToArchive & { k: 'open' }): Written {
    this.#partitions.delete(partition)
    const opened = new ArchivePartition(this.#disk, partition, { config, log, start })
    this.#partitions.set(partition, opened)
    return { next: opened.next, unreadable: [], state: stateOf(opened) }
  }

  #write({ partition, records }: ToArchive & { k: 'write' }): Written {
    const at = this.#partitions.get(partition)
    if (!at) throw new Error(`partition ${partition} is not open`)
    try {
      const unreadable = at.write(unpack(records))
      return { next: at.next, unreadable, state: stateOf(at) }
    } catch (error) {
      this.#partitions.delete(partition)
      throw error
    }
  }

  async #merge(partition: number): Promise<void> {
    try {
      await this.#partitions.get(partition)?.merge()
    } catch {
      // What it could not do the next write fails with, after the partition was opened again.
      this.#partitions.delete(partition)
    }
  }
}

function stateOf({ manifest: { files, taken, collapsed, missing, completeToMs = 0 }, rows }: ArchivePartition): PartitionState {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const published: PartitionState['published'] = [taken[0] - collapsed[0], taken[1] - collapsed[1]]
  return { rows, published, files: files.length, bytes, missing: missing.length, completeToMs }
}

function failureOf(cause: unknown): Failure {
  const { code, values, message } = cause as { code?: string; values?: Failure['values']; message: string }
  if (code?.startsWith('ARCHIVE_')) return new Refusal(code as Failure['code'], values!)
  return { code: 'STORE_WRITE', values: { path: config.folder, detail: message ?? `${cause}` } }
}

serveCalls<ToArchive>(() => new ArchiveWriter(), failureOf)
