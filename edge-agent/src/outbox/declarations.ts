/**
 * The alias table. An alias means one (device, name, kind, datatype, unit, code, scale, offset) for ever; a change takes a new
 * one, and a number is never given twice. A new outbox begins at a random place, so that one made anew after a damaged disk
 * does not give old aliases another meaning.
 */
import type { Channel } from '@millrace/contract'
import { type Declaration, declarationId } from '@millrace/contract/sparkplug'

export interface AliasTable {
  readonly nextAlias: number
  get(id: string): Declaration | undefined
  all(): IterableIterator<Declaration>
  /** The same channels give the same declaration. The second member is true when it is new and must be made durable. */
  declare(device: string, channels: Channel[]): [Declaration, boolean]
  forget(id: string): void
}

/** Aliases of four bytes on the wire at most, in steps that leave room. */
const startStep = 64
const startSteps = 2 ** 21

export function firstAlias(random: () => number): number {
  return 1 + startStep * Math.floor(random() * startSteps)
}

export function createAliasTable(known: Declaration[], firstFree: number): AliasTable {
  const byId = new Map(known.map((declaration) => [declaration.id, declaration]))
  const aliases = new Map<string, number>()
  for (const { device, channels } of known)
    for (const { alias, channel } of channels) aliases.set(meaning(device, channel), alias)
  let nextAlias = firstFree
  return {
    get nextAlias() {
      return nextAlias
    },
    get: (id) => byId.get(id),
    all: () => byId.values(),
    declare(device, channels) {
      const table = channels.map((channel) => ({ alias: aliasFor(device, channel), channel }))
      const id = declarationId(device, table)
      const isNew = !byId.has(id)
      if (isNew) byId.set(id, { id, device, channels: table })
      return [byId.get(id)!, isNew]
    },
    forget: (id) => void byId.delete(id),
  }

  function aliasFor(device: string, channel: Channel): number {
    const key = meaning(device, channel)
    const known = aliases.get(key)
    if (known !== undefined) return known
    aliases.set(key, nextAlias)
    return nextAlias++
  }
}

function meaning(device: string, { name, kind, datatype, unit, code, scale = 1, offset = 0 }: Channel): string {
  return JSON.stringify([device, name, kind, datatype, unit, code, scale, offset])
}
