/**
 * Holds one publisher to a rate: a bucket of one second's messages. At the limit the publisher's socket is not read until the
 * debt is paid; nothing is dropped.
 */
import type { Clock } from '@millrace/contract/service'

export class Rate {
  readonly #clock: Clock
  readonly #perSecond: number
  #tokens: number
  #atMs: number

  /** 0 is no limit. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#atMs = clock.monotonic()
  }

  count(): void {
    this.#tokens--
  }

  /** How long the publisher must wait, 0 when it may go on. */
  debtMs(): number {
    if (this.#perSecond === 0) return 0
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#atMs) * this.#perSecond) / 1000)
    this.#atMs = now
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / this.#perSecond
  }
}
