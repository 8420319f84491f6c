/**
 * A waveform as bedside monitors draw it: the pen sweeps left to right, a small blank runs ahead of it and wipes the last
 * turn. A frame draws only what is new, a few samples, so that a page of traces costs little. Time `t` is at
 * `x = (t mod window) / window × width`. Where samples are missing a hatched band is drawn, never a line across.
 */
import type { Ring } from '../live/ring.ts'
import { colours, reducedMotion } from '../theme.ts'
import type { Painter } from './frames.ts'
import { hatchPattern, openSurface } from './surface.ts'

const blankShare = 0.035
const rangeEveryMs = 1000

export interface Sweep extends Painter {
  close(): void
}

export function createSweep(canvas: HTMLCanvasElement, ring: () => Ring | undefined, windowMs: number): Sweep {
  const surface = openSurface(canvas)
  const { context } = surface
  let drawnTo = Number.NEGATIVE_INFINITY
  let key = ''
  let range = { low: 0, high: 1 }
  let rangeAt = Number.NEGATIVE_INFINITY
  let ink = ''
  let hatch: CanvasPattern | undefined
  let last: { t: number; y: number } | undefined

  const x = (t: number) => ((((t % windowMs) + windowMs) % windowMs) / windowMs) * surface.width
  const y = (v: number) => {
    const edge = surface.height * 0.1
    return surface.height - edge - ((v - range.low) / (range.high - range.low)) * (surface.height - 2 * edge)
  }

  const restyle = () => {
    const style = getComputedStyle(canvas)
    ink = style.color
    hatch = hatchPattern(context, style.getPropertyValue('--hatch'), surface.ratio)
  }

  /** The scale moves seldom and only when it must: the eye compares heights. */
  const rescale = (data: Ring, head: number, localMs: number) => {
    if (localMs - rangeAt < rangeEveryMs) return false
    rangeAt = localMs
    const seen = extremes(data, head - windowMs, head)
    if (!seen) return false
    const room = seen.high - seen.low || 1
    const fits = seen.low >= range.low && seen.high <= range.high && room > (range.high - range.low) * 0.45
    if (fits) return false
    range = { low: seen.low - room * 0.06, high: seen.high + room * 0.06 }
    return true
  }

  const wipe = (fromX: number, toX: number) => {
    if (toX >= fromX) context.clearRect(fromX, 0, toX - fromX, surface.height)
    else {
      context.clearRect(fromX, 0, surface.width - fromX, surface.height)
      context.clearRect(0, 0, toX, surface.height)
    }
  }

  const band = (from: number, to: number) => {
    context.fillStyle = hatch!
    const a = x(from)
    const b = x(to)
    if (b >= a) context.fillRect(a, 0, b - a, surface.height)
    else {
      context.fillRect(a, 0, surface.width - a, surface.height)
      context.fillRect(0, 0, b, surface.height)
    }
  }

  /** Lines from the last point drawn up to `to`, cut at missing samples and at the right edge. */
  const line = (data: Ring, from: number, to: number) => {
    const missingMs = Math.max(80, data.intervalMs * 3)
    context.strokeStyle = ink
    context.lineWidth = 1.6 * surface.ratio
    context.lineJoin = 'round'
    context.lineCap = 'round'
    context.beginPath()
    if (last) context.moveTo(x(last.t), last.y)
    const step = (t: number, v: number) => {
      const at = { t, y: y(v) }
      if (last && t - last.t > missingMs) {
        context.stroke()
        band(Math.max(last.t, from), t)
        context.beginPath()
        context.moveTo(x(t), at.y)
      } else if (last && x(t) >= x(last.t)) context.lineTo(x(t), at.y)
      else context.moveTo(x(t), at.y)
      last = at
    }
    let n = data.find(last ? last.t + 1e-6 : from)
    for (; n < data.count && data.time(n) <= to; n++) step(data.time(n), data.value(n))
    const next = n < data.count && n > data.oldest && last && data.time(n) - last.t <= missingMs
    if (next) {
      // The pen stands between two samples: draw to where it is.
      const [t0, v0, t1, v1] = [data.time(n - 1), data.value(n - 1), data.time(n), data.value(n)]
      if (to > last!.t) step(to, v0 + ((v1 - v0) * (to - t0)) / (t1 - t0))
    }
    context.stroke()
    if (!next && last && to - last.t > missingMs) band(Math.max(from, last.t), to)
    if (!next && !last) band(from, to)
  }

  return {
    paint(localMs) {
      const data = ring()
      if (!data || surface.width === 0) return
      const head = data.head(localMs)
      if (!Number.isFinite(head)) return
      if (reducedMotion.value && head - drawnTo < 1000 && head > drawnTo) return
      const current = `${surface.revision} ${colours.value} ${data.revision} ${reducedMotion.value}`
      const moved = rescale(data, head, localMs)
      const anew = moved || current !== key || head - drawnTo > windowMs / 2 || head < drawnTo
      if (current !== key) restyle()
      key = current
      if (anew) {
        context.clearRect(0, 0, surface.width, surface.height)
        last = undefined
        const from = Math.max(head - windowMs * (1 - blankShare), data.time(data.oldest))
        if (from < head) line(data, from, head)
      } else {
        wipe(Math.max(0, x(drawnTo + windowMs * blankShare) - 3), x(head + windowMs * blankShare))
        line(data, drawnTo, head)
      }
      drawnTo = head
    },
    close: surface.close,
  }
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
