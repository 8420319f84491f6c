/**
 * Which devices the page keeps when more speak than `devicesMax`.
 *
 * Each node has an equal share of the room; plain devices have one together. A newcomer takes a place in the share of its own
 * node, or, while its node has less than its share, one of the node that has most. There the device goes that spoke
 * for less than `steadyMs`, else the one heard longest ago. A node that fills its share with devices that are alive gets no further place:
 * so devices that somebody invents neither push out nor hide those of others.
 */
export interface Place {
  node: string
  /** When it was heard first and last; 0: never. */
  firstMs: number
  lastMs: number
}

interface Share<P> {
  /** By device, the one heard longest ago first. */
  passing: Map<string, P>
  steady: Map<string, P>
}

/** Exported for its test. */
export const steadyMs = 1000
/** Order is kept as exactly as this. */
const touchMs = 500
/** Devices that lost their place and of which it is remembered since when they speak, for each place. */
const departedPerPlace = 8

export class Room<P extends Place> {
  readonly #placesMax: number
  readonly #aliveMs: number
  readonly #places = new Map<string, P>()
  readonly #shares = new Map<string, Share<P>>()
  /** When those were heard first that lost their place; the one that lost it longest ago first. */
  readonly #departed = new Map<string, number>()
  readonly #left: (device: string) => void

  /** @param left is told of each device that lost its place, or got none */
  constructor({ placesMax, aliveMs }: { placesMax: number; aliveMs: number }, left: (device: string) => void) {
    this.#placesMax = placesMax
    this.#aliveMs = aliveMs
    this.#left = left
  }

  get(device: string): P | undefined {
    return this.#places.get(device)
  }

  values(): IterableIterator<P> {
    return this.#places.values()
  }

  *ofNode(node: string): Iterable<P> {
    const share = this.#shares.get(node)
    if (!share) return
    yield* share.passing.values()
    yield* share.steady.values()
  }

  hasFree(): boolean {
    return this.#places.size < this.#placesMax
  }

  isSteady(device: string): boolean {
    const place = this.#places.get(device)
    return place !== undefined && isSteady(place)
  }

  /** False when there is no place for it. */
  add(device: string, place: P, nowMs: number): boolean {
    place.firstMs ||= this.#departed.get(device) ?? 0
    if (!this.hasFree() && !this.#makeRoom(place.node, nowMs)) {
      this.#depart(device, place.firstMs || nowMs)
      return false
    }
    this.#departed.delete(device)
    this.#places.set(device, place)
    this.#lineOf(place).set(device, place)
    return true
  }

  heard(device: string, place: P, nowMs: number): void {
    if (place.firstMs === 0) place.firstMs = nowMs
    if (nowMs - place.lastMs < touchMs) return
    this.#lineOf(place).delete(device)
    place.lastMs = nowMs
    this.#lineOf(place).set(device, place)
  }

  moveTo(node: string, device: string, place: P): void {
    if (place.node === node) return
    this.#lineOf(place).delete(device)
    this.#forgetEmpty(place.node)
    place.node = node
    this.#lineOf(place).set(device, place)
  }

  #lineOf(place: P): Map<string, P> {
    let share = this.#shares.get(place.node)
    if (!share) {
      share = { passing: new Map(), steady: new Map() }
      this.#shares.set(place.node, share)
    }
    return isSteady(place) ? share.steady : share.passing
  }

  #makeRoom(node: string, nowMs: number): boolean {
    const own = this.#shares.get(node)
    const nodes = this.#shares.size + (own ? 0 : 1)
    const isUnderShare = (own ? sizeOf(own) : 0) < Math.floor(this.#placesMax / nodes)
    const giver = isUnderShare ? this.#largest() : own
    if (!giver) return false
    const [device, place] = first(giver.passing) ?? first(giver.steady)!
    if (!isUnderShare && isSteady(place) && nowMs - place.lastMs <= this.#aliveMs) return false
    this.#remove(device, place)
    return true
  }

  #largest(): Share<P> | undefined {
    let largest: Share<P> | undefined
    for (const share of this.#shares.values()) if (!largest || sizeOf(share) > sizeOf(largest)) largest = share
    return largest
  }

  #remove(device: string, place: P): void {
    this.#lineOf(place).delete(device)
    this.#places.delete(device)
    this.#forgetEmpty(place.node)
    this.#depart(device, place.firstMs)
  }

  #depart(device: string, firstMs: number): void {
    this.#departed.delete(device)
    this.#departed.set(device, firstMs)
    if (this.#departed.size > departedPerPlace * this.#placesMax) this.#departed.delete(this.#departed.keys().next().value!)
    this.#left(device)
  }

  #forgetEmpty(node: string): void {
    const share = this.#shares.get(node)
    if (share && sizeOf(share) === 0) this.#shares.delete(node)
  }
}

const isSteady = ({ firstMs, lastMs }: Place) => lastMs - firstMs >= steadyMs
const sizeOf = ({ passing, steady }: Share<unknown>) => passing.size + steady.size
const first = <P>(line: Map<string, P>): [string, P] | undefined => line.entries().next().value
