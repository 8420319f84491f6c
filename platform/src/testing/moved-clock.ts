/** Time stands still until it is moved; what is due until then is called in order. */
import type { Clock } from '../clock.ts'

export class MovedClock implements Clock {
  nowMs = 1_790_000_000_000
  #due: { atMs: number; call: () => void }[] = []
  now = () => this.nowMs
  monotonic = () => this.nowMs
  after = (ms: number, call: () => void) => {
    const one = { atMs: this.nowMs + ms, call }
    this.#due.push(one)
    return () => {
      this.#due = this.#due.filter((other) => other !== one)
    }
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#due = this.#due.filter((other) => other !== next)
      this.nowMs = next.atMs
      next.call()
    }
    this.nowMs = untilMs
  }

  #next(untilMs: number) {
    return this.#due.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0]
  }
}
