/**
 * The newest samples of one waveform in typed arrays, and the play-out clock that makes their drawing smooth.
 *
 * Samples come in lumps, early or late as the network delivers them. The play head runs by this browser's own clock, `delayMs`
 * behind where the newest samples have been: `lead` is the sample time minus the local time at arrival, followed fast when
 * samples come sooner than thought and slowly when they come later. So the pen moves evenly, and an outage shows as one.
 */
import type { Segment } from '@millrace/contract'

/** Exported for its test. */
export const delayMs = 450
const keptMs = 24_000
const jumpMs = 3000

export class Ring {
  readonly t: Float64Array
  readonly v: Float32Array
  readonly intervalMs: number
  /** Samples ever written; sample n is at `n & mask`. */
  count = 0
  /** Rises when samples were written behind the play head: what was drawn there is wrong. */
  revision = 0
  private readonly mask: number
  private lead: number | undefined
  private lastHead = 0

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs
    const size = 2 ** Math.ceil(Math.log2(Math.min(65_536, Math.max(256, keptMs / intervalMs))))
    this.t = new Float64Array(size)
    this.v = new Float32Array(size)
    this.mask = size - 1
  }

  get oldest(): number {
    return Math.max(0, this.count - this.mask - 1)
  }

  time(n: number): number {
    return this.t[n & this.mask]!
  }

  value(n: number): number {
    return this.v[n & this.mask]!
  }

  get newestMs(): number {
    return this.count === 0 ? Number.NEGATIVE_INFINITY : this.time(this.count - 1)
  }

  /** Adds what is newer than all before; older samples belong to the history. */
  add({ t, i, v }: Segment, scale: number, offset: number, localMs = performance.now()): void {
    if (t < this.lastHead && this.count > 0) this.revision++
    const newest = this.newestMs
    for (let k = 0; k < v.length; k++) {
      const at = t + k * i
      if (at <= newest) continue
      this.t[this.count & this.mask] = at
      this.v[this.count & this.mask] = v[k]! * scale + offset
      this.count++
    }
    this.follow(this.newestMs - localMs)
  }

  /** Puts the past before what came live, so that a trace need not start empty. Only once, while there is room. */
  prepend(segments: Segment[], scale: number, offset: number): void {
    const first = this.count === 0 ? Number.POSITIVE_INFINITY : this.time(this.oldest)
    const t: number[] = []
    const v: number[] = []
    for (const s of segments) {
      for (let k = 0; k < s.v.length; k++) {
        const at = s.t + k * s.i
        if (at < first && at > (t.at(-1) ?? Number.NEGATIVE_INFINITY)) {
          t.push(at)
          v.push(s.v[k]! * scale + offset)
        }
      }
    }
    for (let n = this.oldest; n < this.count; n++) {
      t.push(this.time(n))
      v.push(this.value(n))
    }
    const skip = Math.max(0, t.length - this.t.length)
    this.t.set(t.slice(skip))
    this.v.set(v.slice(skip))
    this.count = t.length - skip
    this.revision++
  }

  /** Time to draw up to. Never goes back but for a jump of the device's clock. */
  head(localMs: number): number {
    if (this.lead === undefined) return Number.NEGATIVE_INFINITY
    const head = localMs + this.lead - delayMs
    if (head > this.lastHead || head < this.lastHead - jumpMs) this.lastHead = head
    return this.lastHead
  }

  /** First sample at or after a time. */
  find(atMs: number): number {
    let low = this.oldest
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.time(middle) < atMs) low = middle + 1
      else high = middle
    }
    return low
  }

  private follow(lead: number): void {
    if (this.lead === undefined || Math.abs(lead - this.lead) > jumpMs) this.lead = lead
    else this.lead += (lead - this.lead) * (lead > this.lead ? 0.2 : 0.01)
  }
}
