/**
 * The alias table. An alias means one (device, name, kind, datatype, unit, code, scale, offset) permanently; a change takes a new
 * one, and a number is never given twice. A new outbox begins at a random place, so that one made after a damaged disk
 * does not give old aliases another meaning.
 */
import type { Channel } from '@millrace/contract'
import { type Declaration, declarationId } from '@millrace/contract/sparkplug'

/** Aliases of four bytes on the wire at most, in steps that leave room. */
const startStep = 64
const startSteps = 2 ** 21

export function firstAlias(random: () => number): number {
  return 1 + startStep * Math.floor(random() * startSteps)
}

export class AliasTable {
  nextAlias: number
  private readonly byId: Map<string, Declaration>
  private readonly aliases = new Map<string, number>()

  constructor(known: Declaration[], firstFree: number) {
    this.nextAlias = firstFree
    this.byId = new Map(known.map((declaration) => [declaration.id, declaration]))
    for (const { device, channels } of known)
      for (const { alias, channel } of channels) this.aliases.set(meaning(device, channel), alias)
  }

  get(id: string): Declaration | undefined {
    return this.byId.get(id)
  }

  all(): IterableIterator<Declaration> {
    return this.byId.values()
  }

  /** The same channels give the same declaration. The second member is true when it is new and must be made durable. */
  declare(device: string, channels: Channel[]): [Declaration, boolean] {
    const table = channels.map((channel) => ({ alias: this.aliasFor(device, channel), channel }))
    const id = declarationId(device, table)
    const known = this.byId.get(id)
    const declaration = known ?? { id, device, channels: table }
    if (!known) this.byId.set(id, declaration)
    return [declaration, !known]
  }

  forget(id: string): void {
    this.byId.delete(id)
  }

  private aliasFor(device: string, channel: Channel): number {
    const key = meaning(device, channel)
    const alias = this.aliases.get(key) ?? this.nextAlias++
    this.aliases.set(key, alias)
    return alias
  }
}

function meaning(device: string, { name, kind, datatype, unit, code, scale = 1, offset = 0 }: Channel): string {
  return JSON.stringify([device, name, kind, datatype, unit, code, scale, offset])
}
