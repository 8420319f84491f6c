/**
 * Tells that bytes come of which a decoder reads nothing: another framing or baud rate than the device's is chosen, or another
 * instrument. A decoder itself reports a stretch when a frame ends it or when it is long, which may never be.
 */
const patienceMs = 1500
const sampleBytesMax = 48

export class Unreadable {
  readonly #sample = new Uint8Array(sampleBytesMax)
  #sinceMs: number | undefined
  #bytes = 0
  #frames = 0
  /** Told, and no frame came since. */
  isTold = false

  /** Another stretch begins: the line was opened. */
  reset(): void {
    this.#sinceMs = undefined
    this.#bytes = 0
    this.isTold = false
  }

  /** After a chunk was decoded. `frames`: all that were good so far. */
  look(chunk: Uint8Array, nowMs: number, frames: number): void {
    if (frames !== this.#frames) {
      this.#frames = frames
      return this.reset()
    }
    if (this.isTold) return
    this.#sinceMs ??= nowMs
    if (this.#bytes < sampleBytesMax) this.#sample.set(chunk.subarray(0, sampleBytesMax - this.#bytes), this.#bytes)
    this.#bytes += chunk.length
  }

  /** What was seen, once, when it is time to tell it. */
  due(nowMs: number): string | undefined {
    if (this.isTold || this.#sinceMs === undefined || nowMs - this.#sinceMs < patienceMs) return undefined
    this.isTold = true
    const sample = Buffer.from(this.#sample.subarray(0, Math.min(this.#bytes, sampleBytesMax)))
    const hex = sample.toString('hex').replace(/(..)(?=.)/g, '$1 ')
    const text = sample.toString('latin1').replace(/[^\x20-\x7e]/g, '.')
    return `${this.#bytes} bytes, which begin with ${hex} "${text}"`
  }
}
