/**
 * What an account sees: the one filter through which everything about devices passes on its way out. A scope is a list of MQTT filters
 * over `<group>/<node>/<device>` (`plain/<device>` for plain MQTT devices): `ward-3/#`, `+/+/bed-7`. What is not known to lie within is not seen.
 */
import { type Levels, levelsOf, matches } from '@millrace/contract'

/** Node of a device; undefined: it is not known. */
export type NodeOf = (device: string) => string | undefined

export class Scope {
  /** Sees everything. */
  readonly isWhole: boolean
  readonly #filters: Levels[]
  readonly #nodeOf: NodeOf

  constructor(filters: readonly string[], nodeOf: NodeOf) {
    this.isWhole = filters.length === 0
    this.#filters = filters.map(levelsOf)
    this.#nodeOf = nodeOf
  }

  /** @param node of the device, where it is known */
  readonly sees = (device: string, node: string | undefined = this.#nodeOf(device)): boolean => {
    if (this.isWhole) return true
    if (node === undefined || node === '' || device === '') return false
    const path = levelsOf(`${node}/${device}`)
    return this.#filters.some((filter) => matches(filter, path))
  }

  /** Whether any of the node's devices may be within. */
  readonly seesNode = (node: string): boolean => {
    const levels = levelsOf(node)
    return this.isWhole || this.#filters.some((filter) => mayBeBelow(filter, levels))
  }

  /** Those about a device that it sees. */
  keep<Row extends { device: string; node?: string }>(rows: readonly Row[]): Row[] {
    return rows.filter(({ device, node }) => this.sees(device, node))
  }
}

function mayBeBelow(filter: Levels, node: Levels): boolean {
  for (const [at, level] of node.entries()) {
    if (filter[at] === '#') return true
    if (filter[at] !== '+' && filter[at] !== level) return false
  }
  return filter.length > node.length
}
