/**
 * Holds one publisher to a rate: a bucket of one second's messages. When it is empty the publisher's socket is not read until
 * some have trickled in; nothing is dropped.
 */
import type { Clock } from '@millrace/platform'

export class Rate {
  readonly #clock: Clock
  readonly #perSecond: number
  #tokens: number
  #atMs: number

  /** 0: without limit. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#atMs = clock.monotonic()
  }

  get exhausted(): boolean {
    return this.#perSecond > 0 && this.#tokens < 1
  }

  count(): void {
    this.#tokens--
  }

  /** How long the publisher must wait, 0 when it may go on: until a message may go, or ten milliseconds' worth of them. */
  waitMs(): number {
    if (!this.exhausted) return 0
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#atMs) * this.#perSecond) / 1000)
    this.#atMs = now
    return this.exhausted ? Math.max(10, Math.ceil(((1 - this.#tokens) * 1000) / this.#perSecond)) : 0
  }
}
