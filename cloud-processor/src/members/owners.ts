/**
 * Who of the members works on what. Rendezvous hashing: every process that knows the same members comes to the same answer
 * without asking, and a member that comes or goes moves little more than its own part.
 */
import { createHash } from 'node:crypto'

/** The member that wins `key`; undefined when there is none. */
export function ownerOf(key: string, members: readonly string[]): string | undefined {
  return ranked(key, members)[0]
}

/** The owner of each partition. No member has more than an equal part, rounded up. */
export function ownersOf(role: string, partitions: number, members: readonly string[]): (string | undefined)[] {
  const most = Math.ceil(partitions / members.length)
  const load = new Map<string, number>()
  return Array.from({ length: partitions }, (_, partition) => {
    const owner = ranked(`${role}/${partition}`, members).find((member) => (load.get(member) ?? 0) < most)
    if (owner !== undefined) load.set(owner, (load.get(owner) ?? 0) + 1)
    return owner
  })
}

function ranked(key: string, members: readonly string[]): string[] {
  if (members.length < 2) return [...members]
  return members
    .map((member) => ({ member, weight: weightOf(`${key} ${member}`) }))
    .sort((a, b) => b.weight - a.weight || (a.member < b.member ? -1 : 1))
    .map(({ member }) => member)
}

/** Asked of for every message of a node: known ones are remembered, up to a bound. */
const weights = new Map<string, number>()
const weightsMax = 100_000

function weightOf(text: string): number {
  let weight = weights.get(text)
  if (weight === undefined) {
    if (weights.size >= weightsMax) weights.clear()
    weight = createHash('sha256').update(text).digest().readUInt32BE()
    weights.set(text, weight)
  }
  return weight
}
