/**
 * What was taken of each device and stream, against the cuts of the ledger. A cut says how many readings of a stream the timeline
 * has had before it, up to its number and ahead of it: just so many must have been taken here. A difference is kept until a later
 * cut shows none.
 */
import { addTally, type CutRecord, countReadings, countSamples, type ReadingsRecord, type Tally } from '@millrace/contract'

interface Counted {
  taken: Tally
  /** Taken less than the timeline has had, at the newest cut. Absent: there was no cut. */
  missing?: Tally
  /** Had gone by before the archive was begun. */
  before?: Tally
  closedMs?: number
}

export interface Difference {
  stream: string
  device: string
  missing: Tally
}

/** A stream that was closed so long ago says nothing more. */
const closedKeptMs = 7 * 86_400_000

export class Ledger {
  readonly #streams = new Map<string, Map<string, Counted>>()

  constructor(saved?: unknown) {
    for (const [stream, devices] of (saved ?? []) as [string, [string, Counted][]][]) this.#streams.set(stream, new Map(devices))
  }

  take(record: ReadingsRecord): void {
    if (record.stream !== undefined)
      addTally(this.#of(record.stream, record.device).taken, [countReadings(record), countSamples(record)])
  }

  /** @param isBeginning the archive may have been begun in the middle of this stream */
  cut({ stream, devices, closed }: CutRecord, { nowMs, isBeginning }: { nowMs: number; isBeginning: boolean }): void {
    for (const [device, { forwarded, ahead }] of Object.entries(devices)) {
      const counted = this.#of(stream, device)
      const gone = [0, 1].map((k) => forwarded[k]! + ahead[k]! - counted.taken[k]!) as Tally
      if (isBeginning && counted.missing === undefined) counted.before = gone
      const { before = [0, 0] } = counted
      counted.missing = [gone[0] - before[0], gone[1] - before[1]]
      if (closed) counted.closedMs ??= nowMs
    }
  }

  differences(): Difference[] {
    return [...this.#streams].flatMap(([stream, devices]) =>
      [...devices].flatMap(([device, { missing }]) =>
        missing && (missing[0] !== 0 || missing[1] !== 0) ? [{ stream, device, missing }] : [],
      ),
    )
  }

  /** As JSON. */
  save(nowMs: number): unknown {
    for (const [stream, devices] of this.#streams) {
      for (const [device, { closedMs, missing }] of devices)
        if (closedMs !== undefined && closedMs < nowMs - closedKeptMs && missing?.every((n) => n === 0)) devices.delete(device)
      if (devices.size === 0) this.#streams.delete(stream)
    }
    return [...this.#streams].map(([stream, devices]) => [stream, [...devices]])
  }

  #of(stream: string, device: string): Counted {
    const devices = this.#streams.get(stream) ?? new Map<string, Counted>()
    this.#streams.set(stream, devices)
    const counted = devices.get(device) ?? { taken: [0, 0] }
    devices.set(device, counted)
    return counted
  }
}
