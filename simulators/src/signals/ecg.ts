/**
 * Synthetic electrocardiogram: P. E. McSharry, G. D. Clifford, L. Tarassenko, L. A. Smith, "A dynamical model for
 * generating synthetic electrocardiogram signals", IEEE Transactions on Biomedical Engineering 50(3), 2003.
 *
 *   dx/dt = a x - w y          a = 1 - sqrt(x² + y²)
 *   dy/dt = a y + w x          w = 2 pi / RR(t)
 *   dz/dt = - sum_i a_i D_i exp(-D_i² / 2 b_i²) - (z - z0(t))
 *
 * with D_i = (theta - theta_i) mod 2 pi, theta = atan2(y, x), z0(t) = A sin(2 pi f t), f the breathing. The point (x, y)
 * is drawn to the unit circle and goes round once a beat; each wave (P Q R S T) pulls z up or down where it passes.
 * Integrated by the classical fourth-order Runge-Kutta method, one step a sample.
 */
import type { Heart } from './heart.ts'

/** Table I of the paper: angle (rad), amplitude, width of each wave. */
const waves = [
  { name: 'P', theta: -Math.PI / 3, a: 1.2, b: 0.25 },
  { name: 'Q', theta: -Math.PI / 12, a: -5, b: 0.1 },
  { name: 'R', theta: 0, a: 30, b: 0.1 },
  { name: 'S', theta: Math.PI / 12, a: -7.5, b: 0.1 },
  { name: 'T', theta: Math.PI / 2, a: 0.75, b: 0.4 },
] as const

/** A of z0, in mV as in the paper; smaller here, for a calm bed. */
const baselineWander = 0.005
/** The model's z at 60 beats a minute peaks near 0.042; this makes an R wave of about 1.2 mV. */
const millivoltsPerZ = 29

type Point = [x: number, y: number, z: number]

/** A function that returns the next sample in mV, `intervalS` after the last. */
export function createEcg(heart: Heart, intervalS: number): () => number {
  let point: Point = [-1, 0, 0]
  let atS = 0
  return () => {
    point = rungeKutta(heart, point, atS, intervalS)
    atS += intervalS
    return point[2] * millivoltsPerZ
  }
}

function rungeKutta(heart: Heart, p: Point, t: number, h: number): Point {
  const k1 = derivative(heart, p, t)
  const k2 = derivative(heart, along(p, k1, h / 2), t + h / 2)
  const k3 = derivative(heart, along(p, k2, h / 2), t + h / 2)
  const k4 = derivative(heart, along(p, k3, h), t + h)
  const step = (axis: 0 | 1 | 2) => p[axis] + (h / 6) * (k1[axis] + 2 * k2[axis] + 2 * k3[axis] + k4[axis])
  return [step(0), step(1), step(2)]
}

function along(p: Point, k: Point, h: number): Point {
  return [p[0] + h * k[0], p[1] + h * k[1], p[2] + h * k[2]]
}

function derivative(heart: Heart, [x, y, z]: Point, t: number): Point {
  const pull = 1 - Math.sqrt(x * x + y * y)
  const omega = (2 * Math.PI) / heart.beatSeconds(t)
  const theta = Math.atan2(y, x)
  let slope = -(z - baselineWander * heart.breath(t))
  for (const wave of waves) {
    const distance = wrap(theta - wave.theta)
    slope -= wave.a * distance * Math.exp(-(distance * distance) / (2 * wave.b * wave.b))
  }
  return [pull * x - omega * y, pull * y + omega * x, slope]
}

/** To -pi .. pi. */
function wrap(angle: number): number {
  return angle > Math.PI ? angle - 2 * Math.PI : angle < -Math.PI ? angle + 2 * Math.PI : angle
}
