/**
 * The one source of chance: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * its four words filled by SplitMix32 from a seed. The same seed and name give the same numbers on every machine.
 */
import { fnv1a, fnvStart } from '@millrace/platform'

export interface Random {
  /** 0 ≤ x < 1, 32 bits fine. */
  next(): number
  /** Whole, 0 ≤ x < limit. */
  below(limit: number): number
  /** Standard normal (Box and Muller 1958). */
  normal(): number
}

/** `name` gives each device and purpose numbers of its own, so that adding a device does not change the others. */
export function createRandom(seed: number, name = ''): Random {
  const word = splitMix32(hash(`${seed}/${name}`))
  let [a, b, c, d] = [word(), word(), word(), word()]
  let spare: number | undefined
  const next32 = () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11)
    return result
  }
  const next = () => next32() / 0x1_0000_0000
  const normal = () => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - next()))
    const angle = 2 * Math.PI * next()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
  return { next, below: (limit) => Math.floor(next() * limit), normal }
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

function splitMix32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return z ^ (z >>> 16)
  }
}

function hash(text: string): number {
  let h = fnvStart
  for (let k = 0; k < text.length; k++) h = fnv1a(h, text.charCodeAt(k))
  return h
}
