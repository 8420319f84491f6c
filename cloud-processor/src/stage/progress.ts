/** How far a stage or sink is in its input, as it is told and shown. */
import type { Clock } from '@millrace/platform'

export interface Progress {
  name: string
  partition: number
  next: number
  end: number
  /** Age of the newest record taken while more wait, else 0. */
  lagMs: number
  received: number
  sent: number
  repeats: number
}

export class ProgressCount {
  next = 0
  newestTakenMs = 0
  received = 0
  sent = 0
  repeats = 0
  #end = 0
  readonly #name: string
  readonly #partition: number
  readonly #clock: Clock

  constructor(name: string, partition: number, clock: Clock) {
    this.#name = name
    this.#partition = partition
    this.#clock = clock
  }

  seeEnd(end: number): void {
    this.#end = Math.max(this.#end, end)
  }

  view(): Progress {
    const { next, received, sent, repeats, newestTakenMs } = this
    const end = this.#end
    const lagMs = next < end && newestTakenMs > 0 ? Math.max(0, this.#clock.now() - newestTakenMs) : 0
    return { name: this.#name, partition: this.#partition, next, end, lagMs, received, sent, repeats }
  }
}
