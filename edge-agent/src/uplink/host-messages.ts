/** What the host application says: STATE, and in commands to this node receipts and rebirth requests. */
import { nodeMetrics, parseReceipt, type Receipt } from '@millrace/contract'
import { decodePayload, decodeState, parseTopic } from '@millrace/contract/sparkplug'
import type { Log } from '@millrace/platform'
import type { SendContext } from './context.ts'
import type { SentEntry } from './in-flight.ts'
import type { NodeName } from './session.ts'

export interface MessageContext extends SendContext {
  node: NodeName
  /** Name of the host application. */
  hostName: string
  log: Log
  rebirthRequested(): void
  receipted(count: number): void
  /** After a receipt, and when the host is back. */
  hostAlive(): void
}

export function takeMessage(context: MessageContext, text: string, payload: Uint8Array): void {
  const { node, hostName } = context
  const topic = parseTopic(text)
  if (topic?.type === 'STATE' && topic.host === hostName) takeState(context, payload)
  if (topic?.type === 'NCMD' && topic.group === node.group && topic.node === node.node) takeCommand(context, payload)
}

function takeState(context: MessageContext, payload: Uint8Array): void {
  const { host, hostName, births, inFlight, clock, log, hostAlive } = context
  const state = decodeState(payload)
  if (!state || !host.state(state, clock.monotonic())) return
  log.info(state.online ? 'the host is online' : 'the host is offline', { host: hostName })
  if (!state.online) return
  births.forgetDeaths()
  inFlight.hasten(clock.monotonic())
  hostAlive()
}

function takeCommand(context: MessageContext, payload: Uint8Array): void {
  try {
    for (const { name, value } of decodePayload(payload).metrics) {
      if (name === nodeMetrics.rebirth && value === true) context.rebirthRequested()
      if (name === nodeMetrics.order && typeof value === 'string') context.orders?.take(value)
      if (name === nodeMetrics.receipt && typeof value === 'string') takeReceipt(context, value)
    }
  } catch (error) {
    context.log.warn('a command that cannot be read', { error })
  }
}

function takeReceipt(context: MessageContext, text: string): void {
  const { outbox, births, host, inFlight, clock } = context
  const receipt = parseReceipt(text)
  if (!receipt || receipt.host !== context.hostName) return
  clock.heard?.(receipt.sentMs)
  const nowMs = clock.monotonic()
  const done = inFlight.receipted(receipt.got, nowMs)
  const sentMs = sentSince(context, done, receipt)
  if (host.receipt(receipt, sentMs, nowMs, clock.now())) births.forgetReceipts()
  if (receipt.credit === 0) inFlight.hold(nowMs)
  for (const id of receipt.births) births.receipted(id)
  outbox.release(done.map(({ entry }) => entry))
  context.receipted(done.length)
  context.hostAlive()
}

/**
 * Monotonic time since when what is receipted was on its way; undefined when nobody knows. A run before this one may have sent the same
 * entry, and in the same boot the same birth: a receipt of that one, late, would tell a wrong offset with little uncertainty.
 */
function sentSince({ outbox, births, clocks }: MessageContext, done: SentEntry[], receipt: Receipt): number | undefined {
  const newest = newestOf(done.filter(({ entry }) => entry.stream === outbox.stream))
  if (newest) return newest.sentSinceMs
  return done.length > 0 || clocks?.isBootKnown ? undefined : births.sentSince(receipt.births)
}

function newestOf(sent: SentEntry[]): SentEntry | undefined {
  let newest = sent[0]
  for (const one of sent) if (one.order > newest!.order) newest = one
  return newest
}
