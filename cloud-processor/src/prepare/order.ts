/**
 * The messages of a node without receipts in the order of their `seq`, and the wish for a rebirth when one is missing
 * [tck-id-host-reordering-param] [tck-id-host-reordering-start] [tck-id-host-reordering-rebirth] [tck-id-host-reordering-success].
 *
 *   seq as expected ─► used, and what waited for it
 *   ahead ───────────► waits, `reorderMs` by ticks; then all that waits is used in its order, and a rebirth is wished for
 *   behind ──────────► used at once: it was waited for in vain, or came twice; its readings have times of their own
 *
 * What waits is bounded (`limits.heldMessagesPerNode`, `limits.heldBytes`); at a bound it is used as if its time were over. It is part of
 * the state: a restart or a replay uses it at the same place. A birth begins anew; what was sent before it is used before it.
 * Nodes with receipts never come here: theirs is a window, and what is lost is sent again.
 */
import type { EventRecord } from '@millrace/contract'
import { rebirthWanted } from '@millrace/contract'
import type { PrepareConfig } from './config.ts'
import type { NodeState, PrepareState } from './state.ts'

export interface Order {
  /** `seq` of the next message. */
  next: number
  /** Payload time of the newest used in order: tells a jump ahead by half the numbers or more from what is late. */
  sentMs: number
  held: Held[]
  /** Since when the message that is next is waited for. */
  sinceMs: number
}

interface Held {
  seq: number
  sentMs: number
  topic: string
  payloadBase64: string
  receivedMs: number
}

/** A message with its `seq` and payload time. */
export interface Sequenced {
  topic: string
  payload: Uint8Array
  receivedMs: number
  seq: number
  sentMs: number
}

export type Use = (topic: string, payload: Uint8Array, receivedMs: number) => void

const cycle = 256

export function putInOrder(state: PrepareState, config: PrepareConfig, id: string, message: Sequenced, use: Use): void {
  const node = state.nodes.get(id)!
  const order = node.order!
  const distance = ahead(order, message.seq)
  const isLate = distance >= cycle / 2 && message.sentMs <= order.sentMs
  if (distance === 0) {
    step(order, message)
    use(message.topic, message.payload, message.receivedMs)
    return drain(state, id, message.receivedMs, use)
  }
  if (isLate || order.held.some(({ seq }) => seq === message.seq)) return use(message.topic, message.payload, message.receivedMs)
  hold(state, id, order, message)
  const { heldMessagesPerNode, heldBytes } = config.limits
  if (config.reorderMs === 0 || order.held.length >= heldMessagesPerNode || state.heldBytes > heldBytes) giveUp(state, id, use)
}

/** NBIRTH of a node without receipts: what was sent before it is used first. Call `drain` when the birth is used. */
export function beginOrder(state: PrepareState, node: NodeState, seq: number, sentMs: number | undefined, use: Use): void {
  const isBefore = (message: Held) => sentMs === undefined || message.sentMs < sentMs
  if (node.order) useHeld(state, node.order, node.order.held.filter(isBefore), use)
  node.order = { next: (seq + 1) % cycle, sentMs: sentMs ?? 0, held: node.order?.held ?? [], sinceMs: now(state, 0) }
  delete node.wish
}

/** The session of the node is over: nothing is waited for. */
export function endOrder(state: PrepareState, node: NodeState, use: Use): void {
  if (node.order) useHeld(state, node.order, node.order.held, use)
  delete node.order
  delete node.wish
}

/** Uses what waited for the message before it. */
export function drain(state: PrepareState, id: string, receivedMs: number, use: Use): void {
  const order = state.nodes.get(id)?.order
  if (!order) return
  for (;;) {
    const next = order.held.find(({ seq }) => seq === order.next)
    if (!next) break
    step(order, next)
    useHeld(state, order, [next], use)
  }
  order.sinceMs = now(state, receivedMs)
}

/** A rebirth is told of at the next tick, if none was lately. */
export function wish(state: PrepareState, id: string, node: NodeState, why: string): void {
  node.wish ??= why
  state.waiting.add(id)
}

/** At a tick: what waited too long is used, and wishes are told. */
export function closeOrders(state: PrepareState, config: PrepareConfig, use: Use, out: (event: EventRecord) => void): void {
  for (const id of state.waiting) {
    const node = state.nodes.get(id)
    const { order } = node ?? {}
    if (order && order.held.length > 0 && state.tickMs - order.sinceMs >= config.reorderMs) giveUp(state, id, use)
    if (node?.wish !== undefined && state.tickMs - (node.wishedMs ?? Number.NEGATIVE_INFINITY) >= config.rebirthEveryMs) {
      out(eventOf(id, state.tickMs, node.wish))
      node.wishedMs = state.tickMs
      delete node.wish
    }
    if (!node?.order?.held.length && node?.wish === undefined) state.waiting.delete(id)
  }
}

/** After the clock was set back: nothing waits for a time that does not come. */
export function setBack(state: PrepareState): void {
  for (const node of state.nodes.values()) {
    if (node.order) node.order.sinceMs = Math.min(node.order.sinceMs, state.tickMs)
    if (node.wishedMs !== undefined) node.wishedMs = Math.min(node.wishedMs, state.tickMs)
  }
}

function hold(state: PrepareState, id: string, order: Order, { topic, payload, receivedMs, seq, sentMs }: Sequenced): void {
  if (order.held.length === 0) order.sinceMs = now(state, receivedMs)
  order.held.push({ seq, sentMs, topic, payloadBase64: Buffer.from(payload).toString('base64'), receivedMs })
  state.heldBytes += payload.length
  state.waiting.add(id)
}

function giveUp(state: PrepareState, id: string, use: Use): void {
  const node = state.nodes.get(id)!
  const order = node.order!
  const missing = order.next
  const held = [...order.held].sort((a, b) => ahead(order, a.seq) - ahead(order, b.seq))
  for (const message of held) step(order, message)
  wish(state, id, node, `message ${missing} is missing before ${held[0]!.seq}`)
  useHeld(state, order, held, use)
}

function useHeld(state: PrepareState, order: Order, messages: Held[], use: Use): void {
  order.held = order.held.filter((message) => !messages.includes(message))
  for (const { topic, payloadBase64, receivedMs } of messages) {
    const payload = Buffer.from(payloadBase64, 'base64')
    state.heldBytes -= payload.length
    use(topic, payload, receivedMs)
  }
}

function step(order: Order, { seq, sentMs }: { seq: number; sentMs: number }): void {
  order.next = (seq + 1) % cycle
  order.sentMs = Math.max(order.sentMs, sentMs)
}

function ahead(order: Order, seq: number): number {
  return (seq - order.next + cycle) % cycle
}

/** The time of arrival, which is at most a second ahead of the last tick unless a clock was wrong. */
function now({ tickMs }: PrepareState, receivedMs: number): number {
  return tickMs === 0 ? receivedMs : Math.min(Math.max(tickMs, receivedMs), tickMs + 1000)
}

function eventOf(id: string, atMs: number, why: string): EventRecord {
  const text = `${id} is asked for its births again: ${why}`
  return { f: 1, k: 'event', subject: id, device: id, atMs, level: 'warn', code: rebirthWanted, text }
}
