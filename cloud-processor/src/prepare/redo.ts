/**
 * What was rejected and may be made good by a replay. Bounded by what it names, not by messages: one hostile message can hold
 * tens of thousands of bad readings. What is forgotten stays rejected.
 */
import { createHash } from 'node:crypto'
import type { PrepareState } from './state.ts'

/** Identities, and messages that were rejected whole. */
const redoMax = 100_000

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

/** False when it was not known. */
export function forget(state: PrepareState, key: string): boolean {
  const known = state.redo.get(key)
  if (known === undefined) return false
  state.redoSize -= sizeOf(known)
  return state.redo.delete(key)
}

function sizeOf(identities: string[] | 'all'): number {
  return identities === 'all' ? 1 : identities.length
}

/** Messages without a name are known by their content and the time of their arrival, which a replay keeps. */
export function messageKey(topic: string, payload: Uint8Array, receivedMs: number): string {
  return hashOf(`${topic}\0${receivedMs}`, payload)
}

export function hashOf(text: string, payload: Uint8Array): string {
  return createHash('sha256').update(text).update('\0').update(payload).digest('base64url').slice(0, 22)
}
