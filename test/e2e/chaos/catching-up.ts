/**
 * What a store missed while it was away is written before anything newer: nobody can ask for new rows until then. It is written
 * at four times the speed at which it came, at least.
 */
import type { Strike } from './faults.ts'
import { storeKinds } from './kinds.ts'

const speed = 4

/** How long after `atMs` the store may still be catching up. */
export function catchingUpMs(strikes: Strike[], atMs: number): number {
  const away = strikes.filter(({ kind }) => (storeKinds as readonly string[]).includes(kind))
  return Math.max(0, ...away.map(({ fromMs, toMs = atMs }) => toMs + (toMs - fromMs) / speed - atMs))
}
