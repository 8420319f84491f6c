/**
 * What may be sent within the window: live entries first, then what waits to be sent again and the backlog in the order of
 * creation, both marked historical, at a share of the window and within the processor's credit.
 */
import type { Entry, Lane } from '../outbox/index.ts'
import type { SendContext } from './context.ts'

export type Chosen = { entry: Entry; lane: Lane }[]

/** Entries whose contents are loaded together. */
const loadCount = 64

export function liveEntries(context: SendContext): Chosen {
  const { inFlight, options } = context
  const { all } = inFlight.load
  const entries = nextOf('live', context, Math.min(loadCount, options.windowBatches - all.count))
  return fit('live', entries, options.windowBytes - all.bytes)
}

export function backlogEntries(context: SendContext, nowMs: number): Chosen {
  const { inFlight, host, options } = context
  const { all, backlog } = inFlight.load
  const share = Math.max(1, Math.floor(options.windowBatches * options.backlogShare))
  const room = Math.min(loadCount, options.windowBatches - all.count, share - backlog.count)
  const shareBytes = Math.min(options.windowBytes * options.backlogShare, host.creditBytes) - backlog.bytes
  const bytes = Math.min(options.windowBytes - all.bytes, shareBytes)
  if (room <= 0 || bytes <= 0) return []
  return fit('backlog', waitingEntries(context, nowMs, room), bytes, backlog.count === 0)
}

/** What was sent before goes first: it is older, and holds the floor down. */
export function waitingEntries(context: SendContext, nowMs: number, max: number): Entry[] {
  const { outbox, inFlight } = context
  const due: Entry[] = []
  for (const sent of inFlight.due(nowMs)) {
    if (!outbox.has(sent.entry)) inFlight.forget(sent.entry)
    else if (due.length < max && canSend(context, sent.entry) && !inFlight.isSuspect(sent)) due.push(sent.entry)
  }
  return due.length >= max ? due : [...due, ...nextOf('backlog', context, max - due.length)]
}

/** Those not sent before that the host can read. */
export function nextOf(lane: Lane, context: SendContext, max: number): Entry[] {
  return context.outbox.next(lane, max, (entry) => canSend(context, entry))
}

/** False for data that the host could not read yet; the birth it needs is then asked for. */
export function canSend({ outbox, births }: SendContext, { kind, declaration: id, device }: Entry): boolean {
  if (kind !== 'data' || births.isReady(id, device)) return true
  const declaration = outbox.declaration(id)
  if (declaration) births.need(declaration)
  return false
}

/** As many as fit; the first in any case when `atLeastOne`. */
function fit(lane: Lane, entries: Entry[], bytesMax: number, atLeastOne = false): Chosen {
  const chosen: Chosen = []
  let bytes = 0
  for (const entry of entries) {
    bytes += wireBytes(entry)
    if (bytes > bytesMax && !(atLeastOne && chosen.length === 0)) break
    chosen.push({ entry, lane })
  }
  return chosen
}

/** About what an entry takes on the wire, before it is encoded. */
function wireBytes({ count, samples, bytes, kind }: Entry): number {
  return kind === 'data' ? 64 + count * 24 + samples * 3 : bytes * 4
}
