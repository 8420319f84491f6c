/**
 * A waveform as bedside monitors draw it: the pen sweeps left to right, a small blank runs ahead of it and wipes the last
 * turn. A frame draws only what is new, a few samples, so that a page of traces costs little. Time `t` is at
 * `x = (t mod window) / window × width`. Where samples are missing a hatched band is drawn, never a line across.
 */
import type { Ring } from '../live/ring.ts'
import { colours, reducedMotion } from '../theme.ts'
import type { Painter } from './frames.ts'
import { hatchPattern, openSurface, type Surface } from './surface.ts'

const blankShare = 0.035
const rangeEveryMs = 1000

export class Sweep implements Painter {
  readonly #surface: Surface
  readonly #ring: () => Ring | undefined
  readonly #windowMs: number
  #drawnTo = Number.NEGATIVE_INFINITY
  /** Of what the drawing depends on besides the samples: another one draws everything again. */
  #key = ''
  #range = { low: 0, high: 1 }
  #rangeAt = Number.NEGATIVE_INFINITY
  #ink = ''
  #hatch: CanvasPattern | undefined
  /** The point drawn last. */
  #last: { t: number; y: number } | undefined

  constructor(canvas: HTMLCanvasElement, ring: () => Ring | undefined, windowMs: number) {
    this.#surface = openSurface(canvas)
    this.#ring = ring
    this.#windowMs = windowMs
  }

  paint(localMs: number): void {
    const data = this.#ring()
    const head = data?.head(localMs) ?? Number.NaN
    if (!data || this.#surface.width === 0 || !Number.isFinite(head)) return
    if (reducedMotion.value && head - this.#drawnTo < 1000 && head > this.#drawnTo) return
    const isRescaled = this.#rescale(data, head, localMs)
    const isRestyled = this.#restyle(data)
    const isCut = head - this.#drawnTo > this.#windowMs / 2 || head < this.#drawnTo
    if (isRescaled || isRestyled || isCut) this.#drawWindow(data, head)
    else this.#drawNew(data, head)
    this.#drawnTo = head
  }

  close(): void {
    this.#surface.close()
  }

  /** The scale moves seldom and only when it must: the eye compares heights. */
  #rescale(data: Ring, head: number, localMs: number): boolean {
    if (localMs - this.#rangeAt < rangeEveryMs) return false
    this.#rangeAt = localMs
    const seen = extremes(data, head - this.#windowMs, head)
    if (!seen) return false
    const { low, high } = this.#range
    const room = seen.high - seen.low || 1
    if (seen.low >= low && seen.high <= high && room > (high - low) * 0.45) return false
    this.#range = { low: seen.low - room * 0.06, high: seen.high + room * 0.06 }
    return true
  }

  #restyle(data: Ring): boolean {
    const { context, canvas, ratio, revision } = this.#surface
    const key = `${revision} ${colours.value} ${data.revision} ${reducedMotion.value}`
    if (key === this.#key) return false
    this.#key = key
    const style = getComputedStyle(canvas)
    this.#ink = style.color
    this.#hatch = hatchPattern(context, style.getPropertyValue('--hatch'), ratio)
    return true
  }

  #drawWindow(data: Ring, head: number): void {
    const { context, width, height } = this.#surface
    context.clearRect(0, 0, width, height)
    this.#last = undefined
    const from = Math.max(head - this.#windowMs * (1 - blankShare), data.time(data.oldest))
    if (from < head) this.#line(data, from, head)
  }

  #drawNew(data: Ring, head: number): void {
    const blankMs = this.#windowMs * blankShare
    this.#wipe(Math.max(0, this.#x(this.#drawnTo + blankMs) - 3), this.#x(head + blankMs))
    this.#line(data, this.#drawnTo, head)
  }

  /** Lines from the last point drawn up to `to`, cut at missing samples and at the right edge. */
  #line(data: Ring, from: number, to: number): void {
    const { context } = this.#surface
    const missingMs = Math.max(80, data.intervalMs * 3)
    this.#takePen()
    let n = data.find(this.#last ? this.#last.t + 1e-6 : from)
    for (; n < data.count && data.time(n) <= to; n++) this.#lineTo(data.time(n), data.value(n), missingMs, from)
    const isBetween = n < data.count && n > data.oldest && this.#last && data.time(n) - this.#last.t <= missingMs
    if (isBetween && to > this.#last!.t) this.#lineTo(to, valueBetween(data, n, to), missingMs, from)
    context.stroke()
    if (isBetween) return
    if (!this.#last) this.#band(from, to)
    else if (to - this.#last.t > missingMs) this.#band(Math.max(from, this.#last.t), to)
  }

  #takePen(): void {
    const { context, ratio } = this.#surface
    context.strokeStyle = this.#ink
    context.lineWidth = 1.6 * ratio
    context.lineJoin = 'round'
    context.lineCap = 'round'
    context.beginPath()
    if (this.#last) context.moveTo(this.#x(this.#last.t), this.#last.y)
  }

  #lineTo(t: number, v: number, missingMs: number, from: number): void {
    const { context } = this.#surface
    const last = this.#last
    const at = { t, y: this.#y(v) }
    if (last && t - last.t > missingMs) {
      context.stroke()
      this.#band(Math.max(last.t, from), t)
      context.beginPath()
      context.moveTo(this.#x(t), at.y)
    } else if (last && this.#x(t) >= this.#x(last.t)) context.lineTo(this.#x(t), at.y)
    else context.moveTo(this.#x(t), at.y)
    this.#last = at
  }

  #wipe(fromX: number, toX: number): void {
    const { context, height } = this.#surface
    for (const [x, width] of this.#stretches(fromX, toX)) context.clearRect(x, 0, width, height)
  }

  #band(from: number, to: number): void {
    const { context, height } = this.#surface
    context.fillStyle = this.#hatch!
    for (const [x, width] of this.#stretches(this.#x(from), this.#x(to))) context.fillRect(x, 0, width, height)
  }

  /** Left edge and width: two where the stretch runs over the right edge. */
  #stretches(fromX: number, toX: number): [x: number, width: number][] {
    if (toX >= fromX) return [[fromX, toX - fromX]]
    const toEdge: [number, number] = [fromX, this.#surface.width - fromX]
    return [toEdge, [0, toX]]
  }

  #x(t: number): number {
    const windowMs = this.#windowMs
    return ((((t % windowMs) + windowMs) % windowMs) / windowMs) * this.#surface.width
  }

  #y(v: number): number {
    const { height } = this.#surface
    const { low, high } = this.#range
    const edge = height * 0.1
    return height - edge - ((v - low) / (high - low)) * (height - 2 * edge)
  }
}

/** On the line from the sample before `n` to that one: where the pen is. */
function valueBetween(data: Ring, n: number, t: number): number {
  const [t0, v0, t1, v1] = [data.time(n - 1), data.value(n - 1), data.time(n), data.value(n)]
  return v0 + ((v1 - v0) * (t - t0)) / (t1 - t0)
}

function extremes(data: Ring, from: number, to: number): { low: number; high: number } | undefined {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let n = data.find(from); n < data.count && data.time(n) <= to; n++) {
    const v = data.value(n)
    if (v < low) low = v
    if (v > high) high = v
  }
  return low <= high ? { low, high } : undefined
}
