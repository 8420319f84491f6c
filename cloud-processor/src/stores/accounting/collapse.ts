/** Which times of a suspect piece the engine holds already: asked once, decided for good. */

import type { Decisions } from './state.ts'
import type { Piece } from './survey.ts'
import { decisionKey, nameOf, seriesName } from './survey.ts'

/** Of one series: name of a time to how often it was written before the newest. */
export type Held = Map<number, number>

export interface Suspicion {
  device: string
  channel: string
  isWave: boolean
  fromMs: number
  toMs: number
}

/** What the engine has to be asked before these pieces can be decided: one stretch for each series. */
export function suspicions(pieces: Piece[], decisions: Decisions): Suspicion[] {
  const asked = new Map<string, Suspicion>()
  for (const piece of pieces) {
    if (!piece.isSuspect || decisions.collapsed.has(decisionKey(piece))) continue
    const { device, channel, first, last } = piece
    const key = `${device} ${seriesName(piece)}`
    const known = asked.get(key)
    if (!known) asked.set(key, { device, channel, isWave: piece.segments !== undefined, fromMs: first, toMs: last })
    else {
      known.fromMs = Math.min(known.fromMs, first)
      known.toMs = Math.max(known.toMs, last)
    }
  }
  return [...asked.values()]
}

/**
 * Decides the suspects among the pieces, which are in order: what an earlier piece of the same batch will write counts as held.
 * Returns whether anything was decided that has to be kept.
 */
export function decide(
  pieces: Piece[],
  held: (device: string, series: string) => Held | undefined,
  decisions: Decisions,
  resolutionMs: number,
): boolean {
  let isNew = false
  for (const piece of pieces) {
    const names = held(piece.device, seriesName(piece))
    if (!names) continue
    const key = decisionKey(piece)
    const known = decisions.collapsed.get(key)
    const collapsed: [number, number][] = known ?? []
    if (piece.isSuspect && !known) {
      for (const name of namesOf(piece, resolutionMs)) {
        const revision = names.get(name)
        if (revision !== undefined) collapsed.push([name, revision + 1])
      }
      decisions.collapsed.set(key, collapsed)
      isNew = true
    }
    for (const name of namesOf(piece, resolutionMs)) if (!names.has(name)) names.set(name, 0)
    for (const [name, revision] of collapsed) names.set(name, revision)
  }
  return isNew
}

/** Of every reading or sample, in its order, ms. */
export function* timesOf({ points, segments }: Piece): Generator<number> {
  if (points) yield* points.t
  else for (const { t, i, v } of segments!) for (let k = 0; k < v.length; k++) yield t + k * i
}

/** Their names; in an engine that cannot tell them apart two may be the same. */
export function* namesOf(piece: Piece, resolutionMs: number): Generator<number> {
  const seen = resolutionMs > 0.001 && piece.segments ? new Set<number>() : undefined
  for (const t of timesOf(piece)) {
    const name = nameOf(t, resolutionMs)
    if (seen?.has(name)) continue
    seen?.add(name)
    yield name
  }
}
