/**
 * What the engine may have acknowledged and not show yet. An engine that makes its rows searchable in the background answers
 * without the rows that it is about to add, even when it was told to flush: a flush does not wait for another one that has
 * begun. So a writer adds to an answer what it sent itself in the last moments, and waits at first for what others sent before,
 * unless it goes on from a state that is known to be shown.
 */
import type { Clock } from '@millrace/platform'
import { type Decisions, decisionKey, type Held, namesOf, type Piece, type Suspicion, timesOf } from '../accounting/index.ts'
import type { Dialect } from './dialects/index.ts'

interface Sent {
  piece: Piece
  atMs: number
  collapsed: [name: number, revision: number][]
}

export interface Recent {
  /** Resolves when answers show all that was sent before this writer began. */
  settle(): Promise<void>
  /** These are acknowledged. */
  add(pieces: Piece[], decisions: Decisions): void
  /** Adds to the answer what the engine may not show yet. */
  complete(held: Map<string, Held>, asking: Suspicion[]): void
  /** Of a device's channel, `*` for any: the first time after `fromMs`. */
  firstAfter(device: string, channel: string, fromMs: number): number | undefined
}

export function createRecent(dialect: Dialect, clock: Clock, isShown: boolean): Recent {
  const { visibleAfterMs, resolutionMs } = dialect.traits
  const shownFromMs = isShown ? 0 : clock.monotonic() + visibleAfterMs
  const sent: Sent[] = []

  function forget(): void {
    const fromMs = clock.monotonic() - visibleAfterMs
    const kept = sent.findIndex(({ atMs }) => atMs >= fromMs)
    sent.splice(0, kept < 0 ? sent.length : kept)
  }

  return {
    async settle() {
      const waitMs = shownFromMs - clock.monotonic()
      if (waitMs > 0) await new Promise<void>((resolve) => void clock.after(waitMs, resolve))
      await dialect.settle()
    },
    add(pieces, { collapsed }) {
      if (visibleAfterMs === 0) return
      forget()
      const atMs = clock.monotonic()
      for (const piece of pieces) sent.push({ piece, atMs, collapsed: collapsed.get(decisionKey(piece)) ?? [] })
    },
    complete(held, asking) {
      for (const { device, channel, isWave, fromMs, toMs } of asking) {
        const names = held.get(`${device} ${isWave ? '~' : ''}${channel}`)!
        for (const { piece, collapsed } of sent) {
          const isOther = piece.device !== device || piece.channel !== channel || (piece.segments !== undefined) !== isWave
          if (isOther || piece.last < fromMs - resolutionMs || piece.first > toMs + resolutionMs) continue
          for (const name of namesOf(piece, resolutionMs)) if (!names.has(name)) names.set(name, 0)
          for (const [name, revision] of collapsed) names.set(name, Math.max(names.get(name)!, revision))
        }
      }
    },
    firstAfter(device, channel, fromMs) {
      let first: number | undefined
      for (const { piece } of sent) {
        if (piece.device !== device || (channel !== '*' && piece.channel !== channel) || piece.last <= fromMs) continue
        for (const t of timesOf(piece)) if (t > fromMs && !(t >= first!)) first = t
      }
      return first
    },
  }
}
