/**
 * Aliases of the two notes that a DDATA of Millrace may carry (`Millrace/Absence`, `Millrace/Rejected`): where a birth has aliases, every metric
 * has one [tck-id-payloads-alias-birth-requirement], and data goes by it alone [tck-id-payloads-alias-data-cmd-requirement].
 *
 *   2^48 + 2 * (the first 44 bits of SHA-256 of the device id) + (0 absence, 1 rejected)
 *
 * So they need no table: far above all that an agent gives to channels, unique in the node [tck-id-payloads-alias-uniqueness], and known
 * for what they are by a host that missed the birth.
 */
import { createHash } from 'node:crypto'
import { nodeMetrics } from '../naming.ts'

export type Note = 'absence' | 'rejected'

const base = 2 ** 48
const kinds: Note[] = ['absence', 'rejected']

export function noteAlias(device: string, note: Note): number {
  return base + 2 * Number.parseInt(createHash('sha256').update(device).digest('hex').slice(0, 11), 16) + kinds.indexOf(note)
}

/** Undefined when it is an alias of something else. */
export function noteOfAlias(alias: number): Note | undefined {
  return alias >= base && alias < base + 2 ** 45 ? kinds[alias % 2] : undefined
}

/** The form of agents before there were these aliases. */
export function noteOfName(name: string): Note | undefined {
  return kinds.find((note) => nodeMetrics[note] === name)
}
