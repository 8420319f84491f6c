/** The last minutes of a scalar channel, for the small line on a card. Bounded. */
import type { Value } from '@millrace/contract'
import { signal } from '@preact/signals'

export const trailMs = 300_000
const pointsMax = 1200
/** Closer readings add nothing that a small line or a trend of minutes could show. */
const leastStepMs = 300

export class Trail {
  t: number[] = []
  v: number[] = []
  /** True once the past was asked from the store. */
  filled = false
  readonly revision = signal(0)

  add(t: number[], v: Value[]): void {
    for (let k = 0; k < t.length; k++) {
      const value = v[k]
      const newest = this.t.at(-1) ?? Number.NEGATIVE_INFINITY
      if (typeof value !== 'number' || t[k]! < newest + leastStepMs) continue
      this.t.push(t[k]!)
      this.v.push(value)
    }
    this.trim()
    this.revision.value++
  }

  /** Puts the past before what came live. */
  prepend(t: number[], v: number[]): void {
    const first = this.t[0] ?? Number.POSITIVE_INFINITY
    const until = t.findIndex((at) => at >= first)
    const end = until < 0 ? t.length : until
    this.t = [...t.slice(0, end), ...this.t]
    this.v = [...v.slice(0, end), ...this.v]
    this.trim()
    this.revision.value++
  }

  private trim(): void {
    const from = (this.t.at(-1) ?? 0) - trailMs
    let drop = Math.max(0, this.t.length - pointsMax)
    while (drop < this.t.length && this.t[drop]! < from) drop++
    if (drop > 0) {
      this.t.splice(0, drop)
      this.v.splice(0, drop)
    }
  }
}
