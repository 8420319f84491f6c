/**
 * What was rejected and may be made good by a replay. Bounded by what it names, not by messages: one hostile message can hold
 * tens of thousands of bad readings. What is forgotten stays rejected.
 */
import type { PrepareState } from './state.ts'

/** Identities, and messages that were rejected whole. */
export const redoMax = 100_000

/** Remembers what of a message is rejected now; nothing is left to be made good when the list is empty. */
export function remember(state: PrepareState, key: string, identities: string[] | 'all'): void {
  forget(state, key)
  if (identities.length === 0) return
  state.redo.set(key, identities)
  state.redoSize += sizeOf(identities)
  for (const oldest of state.redo.keys()) {
    if (state.redoSize <= redoMax) return
    forget(state, oldest)
  }
}

export function forget(state: PrepareState, key: string): void {
  const known = state.redo.get(key)
  if (known === undefined) return
  state.redoSize -= sizeOf(known)
  state.redo.delete(key)
}

function sizeOf(identities: string[] | 'all'): number {
  return identities === 'all' ? 1 : identities.length
}
