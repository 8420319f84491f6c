/** Who works on what, as the processors tell each other on the log's board. */
import type { Log } from '@millrace/cloud-processor/log'

export interface Board {
  members(): string[]
  /** Those that say that they work on the share. */
  holders(share: string): string[]
  holder(share: string): string | undefined
  /** Of the process with that name in its configuration. */
  sharesOf(name: string): string[]
}

/** Who said nothing for so long has gone. */
const silentMs = 3000

export function watchBoard({ board }: Log): Board {
  const heard = new Map<string, { holds: string[]; atMs: number }>()
  board!.onNote((note) => {
    const { id, holds, leaving } = JSON.parse(Buffer.from(note).toString()) as { id: string; holds: string[]; leaving?: true }
    if (leaving) heard.delete(id)
    else heard.set(id, { holds, atMs: performance.now() })
  })
  const live = () => [...heard].filter(([, { atMs }]) => performance.now() - atMs < silentMs)
  const holders = (share: string) => live().flatMap(([id, { holds }]) => (holds.includes(share) ? [id] : []))
  return {
    members: () => live().map(([id]) => id),
    holders,
    holder: (share) => holders(share)[0],
    sharesOf: (name) => live().find(([id]) => id.startsWith(`${name}-`))?.[1].holds ?? [],
  }
}
