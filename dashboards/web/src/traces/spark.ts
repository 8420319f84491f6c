/** The last minutes of a scalar channel as a small line with a soft floor; drawn when a reading comes, not every frame. */
import type { Trail } from '../live/trail.ts'
import { trailMs } from '../live/trail.ts'
import type { Surface } from './surface.ts'

export function drawSpark({ context, width, height, ratio, canvas }: Surface, { t, v }: Trail, nowMs: number): void {
  context.clearRect(0, 0, width, height)
  if (t.length === 0 || width === 0) return
  const from = nowMs - trailMs
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of v) {
    if (value < low) low = value
    if (value > high) high = value
  }
  const middle = (low + high) / 2
  const room = Math.max(high - low, Math.abs(middle) * 0.04, 1e-9)
  const x = (at: number) => ((at - from) / trailMs) * (width - 4 * ratio)
  const y = (value: number) => height / 2 - ((value - middle) / room) * height * 0.72
  const ink = getComputedStyle(canvas).color
  const missingMs = Math.max(90_000, 8 * medianStep(t))
  let start = 0
  for (let k = 1; k <= t.length; k++) {
    if (k < t.length && t[k]! - t[k - 1]! <= missingMs) continue
    stretch(start, k)
    start = k
  }

  function stretch(first: number, end: number): void {
    context.beginPath()
    for (let k = first; k < end; k++) context.lineTo(x(t[k]!), y(v[k]!))
    context.strokeStyle = ink
    context.lineWidth = 1.6 * ratio
    context.lineJoin = 'round'
    context.stroke()
    context.lineTo(x(t[end - 1]!), height)
    context.lineTo(x(t[first]!), height)
    context.globalAlpha = 0.09
    context.fillStyle = ink
    context.fill()
    context.globalAlpha = 1
  }
}

function medianStep(t: number[]): number {
  if (t.length < 3) return 0
  const steps = t.slice(1).map((at, k) => at - t[k]!)
  return steps.sort((a, b) => a - b)[steps.length >> 1]!
}
