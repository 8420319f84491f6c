/**
 * What was rejected and may be replayed. Bounded by what it names, not by messages: one hostile message can hold tens of thousands
 * of bad readings. What is forgotten stays rejected.
 */
import { createHash } from 'node:crypto'
import type { BatchName } from '@millrace/contract'
import type { Message } from '../message.ts'
import type { PrepareState } from '../state/state.ts'

/** Identities, and messages that were rejected whole. */
const replayableMax = 100_000

/** Says what of a message is rejected now; nothing is left to be replayed when the list is empty. */
export function setReplayable(state: PrepareState, key: string, identities: string[] | 'all'): void {
  forgetReplayable(state, key)
  if (identities.length === 0) return
  state.redo.set(key, identities)
  state.redoSize += sizeOf(identities)
  for (const oldest of state.redo.keys()) {
    if (state.redoSize <= replayableMax) return
    forgetReplayable(state, oldest)
  }
}

/** False when it was not known. */
export function forgetReplayable(state: PrepareState, key: string): boolean {
  const known = state.redo.get(key)
  if (known === undefined) return false
  state.redoSize -= sizeOf(known)
  return state.redo.delete(key)
}

function sizeOf(identities: string[] | 'all'): number {
  return identities === 'all' ? 1 : identities.length
}

export function batchKey({ stream, number }: BatchName): string {
  return `${stream}/${number}`
}

/** Messages without a name are known by their content and the time of their arrival, which a replay keeps. */
export function messageKey({ topic, payload, receivedMs }: Message): string {
  return hashOf(`${topic}\0${receivedMs}`, payload)
}

export function hashOf(text: string, payload: Uint8Array): string {
  return createHash('sha256').update(text).update('\0').update(payload).digest('base64url').slice(0, 22)
}
