/**
 * Room that several share. Up to `max` the first to ask get it; past that each of them still gets an equal share of as much
 * again. So all of it is at most twice `max`, and nobody can take it from the others.
 */
export interface Shared {
  max: number
  used: number
  /** Of `used`, what the one who asks has. */
  own: number
  /** How many share, with the one who asks. */
  sharers: number
}

export function hasFairRoom({ max, used, own, sharers }: Shared): boolean {
  return used < max || (used < 2 * max && own < Math.floor(max / sharers))
}
