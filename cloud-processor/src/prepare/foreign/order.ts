/**
 * The messages of a node without receipts in the order of their `seq`, and a rebirth request when one is missing
 * [tck-id-host-reordering-param] [tck-id-host-reordering-start] [tck-id-host-reordering-rebirth] [tck-id-host-reordering-success].
 *
 *   seq as expected ─► used, and what waited for it
 *   ahead ───────────► waits, `reorderMs` by ticks; then all that waits is used in its order, and a rebirth is requested
 *   behind ──────────► used at once: it was waited for in vain, or came twice; its readings have times of their own
 *
 * What waits is bounded (`limits.heldMessagesPerNode`, `limits.heldBytes`); at a bound it is used as if its time were over. It is part of
 * the state: a restart or a replay uses it at the same place. A birth begins a new order; what was sent before it is used before it.
 * Nodes with receipts never come here: theirs is a window, and what is lost is sent again.
 *
 * Each function returns the messages whose turn has come, to be used in this order.
 */
import { parseTopic } from '@millrace/contract/sparkplug'
import type { Context } from '../context.ts'
import { type NodeTopic, readSparkplug, type SparkplugMessage } from '../message.ts'
import type { Held, NodeState, Order, PrepareState } from '../state/state.ts'
import { wantRebirth } from './rebirths.ts'

const cycle = 256

/** Of a node that has an order. */
export function putInOrder({ state, config }: Context, message: SparkplugMessage & { seq: number }): SparkplugMessage[] {
  const order = state.nodes.get(message.node)!.order!
  const { seq, sentMs = 0 } = message
  const distance = ahead(order, seq)
  if (distance === 0) {
    step(order, { seq, sentMs })
    return [message, ...drain(state, message)]
  }
  const isLate = distance >= cycle / 2 && sentMs <= order.sentMs
  if (isLate || order.held.some((held) => held.seq === seq)) return [message]
  hold(state, order, message)
  const { heldMessagesPerNode, heldBytes } = config.limits
  const isFull = config.reorderMs === 0 || order.held.length >= heldMessagesPerNode || state.heldBytes > heldBytes
  return isFull ? giveUp(state, message.node, order) : []
}

/** NBIRTH of a node without receipts: what was sent before it. Call `drain` when the birth is used. */
export function beginOrder(state: PrepareState, node: NodeState, seq: number, sentMs: number | undefined): SparkplugMessage[] {
  const isBefore = (message: Held) => sentMs === undefined || message.sentMs < sentMs
  const due = node.order ? release(state, node.order, node.order.held.filter(isBefore)) : []
  node.order = { next: (seq + 1) % cycle, sentMs: sentMs ?? 0, held: node.order?.held ?? [], sinceMs: now(state, 0) }
  delete node.wish
  return due
}

/** The session of the node is over: nothing is waited for. */
export function endOrder(state: PrepareState, node: NodeState): SparkplugMessage[] {
  const due = node.order ? release(state, node.order, node.order.held) : []
  delete node.order
  delete node.wish
  return due
}

/** What waited for the message before it. */
export function drain(state: PrepareState, { node, receivedMs }: SparkplugMessage): SparkplugMessage[] {
  const order = state.nodes.get(node)?.order
  if (!order) return []
  const due: SparkplugMessage[] = []
  for (;;) {
    const next = order.held.find(({ seq }) => seq === order.next)
    if (!next) break
    step(order, next)
    due.push(...release(state, order, [next]))
  }
  order.sinceMs = now(state, receivedMs)
  return due
}

/** At a tick: what waited too long. */
export function overdue({ state, config }: Context, id: string): SparkplugMessage[] {
  const order = state.nodes.get(id)?.order
  if (!order || order.held.length === 0 || state.tickMs - order.sinceMs < config.reorderMs) return []
  return giveUp(state, id, order)
}

/** After the clock was set back: nothing waits for a time that does not come. */
export function setBack(state: PrepareState): void {
  for (const node of state.nodes.values()) {
    if (node.order) node.order.sinceMs = Math.min(node.order.sinceMs, state.tickMs)
    if (node.wishedMs !== undefined) node.wishedMs = Math.min(node.wishedMs, state.tickMs)
  }
}

function hold(state: PrepareState, order: Order, message: SparkplugMessage & { seq: number }): void {
  const { topic, payload, receivedMs, seq, sentMs = 0 } = message
  if (order.held.length === 0) order.sinceMs = now(state, receivedMs)
  order.held.push({ seq, sentMs, topic, payloadBase64: Buffer.from(payload).toString('base64'), receivedMs })
  state.heldBytes += payload.length
  state.waiting.add(message.node)
}

function giveUp(state: PrepareState, id: string, order: Order): SparkplugMessage[] {
  const missing = order.next
  const held = [...order.held].sort((a, b) => ahead(order, a.seq) - ahead(order, b.seq))
  for (const message of held) step(order, message)
  wantRebirth(state, id, `message ${missing} is missing before ${held[0]!.seq}`)
  return release(state, order, held)
}

function release(state: PrepareState, order: Order, messages: Held[]): SparkplugMessage[] {
  order.held = order.held.filter((message) => !messages.includes(message))
  return messages.map(({ topic, payloadBase64, receivedMs }) => {
    const payload = Buffer.from(payloadBase64, 'base64')
    state.heldBytes -= payload.length
    return readSparkplug({ topic, payload, receivedMs, isRetained: false, isReplay: false }, parseTopic(topic) as NodeTopic)
  })
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
