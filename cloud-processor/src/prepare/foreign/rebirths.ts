/** Rebirth requests to nodes without receipts: the timeline says that one is wanted, the bridge sends it. */
import { rebirthWanted } from '@millrace/contract'
import { type Context, toTimeline } from '../context.ts'
import { nodeOf } from '../state/nodes.ts'
import type { PrepareState } from '../state/state.ts'

/** It is told at the next tick, if none was lately. */
export function wantRebirth(state: PrepareState, id: string, why: string): void {
  nodeOf(state, id).wish ??= why
  state.waiting.add(id)
}

/** At a tick. */
export function tellRebirth(context: Context, id: string): void {
  const { tickMs, nodes } = context.state
  const node = nodes.get(id)
  if (node?.wish === undefined) return
  if (tickMs - (node.wishedMs ?? Number.NEGATIVE_INFINITY) < context.config.rebirthEveryMs) return
  const text = `${id} is asked for its births again: ${node.wish}`
  const where = { f: 1, k: 'event', subject: id, device: id, atMs: tickMs } as const
  toTimeline(context, { ...where, level: 'warn', code: rebirthWanted, text })
  node.wishedMs = tickMs
  delete node.wish
}
