/** The calls that wait for one partition, and the batches that are made of them. */
import type { At, Batch, KafkaRecord } from './client.ts'

/** One append. */
export interface Call {
  records: KafkaRecord[]
  bytes: number
  /** Records that are durable. */
  done: number
  first: number
  resolve(first: number): void
  reject(error: Error): void
}

export class WriteQueue {
  readonly at: At
  /** A batch of the partition is in flight. */
  isBusy = false
  readonly #calls: Call[] = []
  /** Falls where the topic's own bound is lower. */
  #batchBytesMax: number

  constructor(at: At, batchBytesMax: number) {
    this.at = at
    this.#batchBytesMax = batchBytesMax
  }

  isEmpty(): boolean {
    return this.#calls.length === 0
  }

  add(records: KafkaRecord[], bytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#calls.push({ records, bytes, done: 0, first: -1, resolve, reject })
    })
  }

  /** The next batch: calls from the front, or a part of the first. */
  form(timeMs: number): { batch: Batch; calls: Call[] } {
    const records: KafkaRecord[] = []
    const calls: Call[] = []
    let bytes = 0
    for (const call of this.#calls) {
      let k = call.done
      for (; k < call.records.length; k++) {
        bytes += recordBytes(call.records[k]!)
        if (records.length > 0 && bytes > this.#batchBytesMax) break
        records.push(call.records[k]!)
      }
      if (k > call.done || call.records.length === 0) calls.push(call)
      if (k < call.records.length) break
    }
    return { batch: { topic: this.at.topic, partition: this.at.partition, records, timeMs }, calls }
  }

  /** A batch of these calls is durable. @returns the bytes of those that are complete */
  resolve(calls: Call[], count: number, first: number): number {
    let left = count
    let bytes = 0
    for (const call of calls) {
      const taken = Math.min(left, call.records.length - call.done)
      if (call.done === 0) call.first = first + count - left
      call.done += taken
      left -= taken
      if (call.done < call.records.length) continue
      bytes += this.#remove(call)
      call.resolve(call.first)
    }
    return bytes
  }

  /** @returns their bytes */
  reject(error: Error, calls = [...this.#calls]): number {
    let bytes = 0
    for (const call of calls) {
      bytes += this.#remove(call)
      call.reject(error)
    }
    return bytes
  }

  /** The topic does not take a batch so large. False when it was only one record. */
  halve({ records }: Batch): boolean {
    if (records.length === 1) return false
    this.#batchBytesMax = Math.max(1024, Math.floor(Math.min(this.#batchBytesMax, bytesOf(records)) / 2))
    return true
  }

  #remove(call: Call): number {
    this.#calls.splice(this.#calls.indexOf(call), 1)
    return call.bytes
  }
}

/** With an estimate of what the headers take. */
const recordBytes = ({ key, value, source }: KafkaRecord) => key.length + (value?.length ?? 0) + (source ? 320 : 32)

export function bytesOf(records: KafkaRecord[]): number {
  let bytes = 0
  for (const record of records) bytes += recordBytes(record)
  return bytes
}
