/**
 * Two agents with one node id, such as a copied card. An agent has one stream from its start to its end, and only what is measured now is
 * live: a stream that sends live data again after another did belongs to an agent that never ended.
 */
import { type Context, toTimeline } from '../context.ts'
import type { AgentMessage } from '../message.ts'
import { nodeOf } from '../state/nodes.ts'

/** Streams of a node that are remembered. */
const formerMax = 4
/** A last message of an agent may arrive after the first one of its next start, which makes two. */
const returnsMin = 3

/** At a live batch. */
export function tellTwice(context: Context, { node: id, name: { stream }, receivedMs: atMs }: AgentMessage): void {
  const node = nodeOf(context.state, id)
  const { live } = node
  if (live?.stream === stream) return
  const former = live ? [...live.former.filter((each) => each !== stream), live.stream].slice(-formerMax) : []
  const returns = live?.former.includes(stream) ? live.returns + 1 : 0
  node.live = { stream, former, returns }
  // Told once; again when another agent has come in between.
  if (returns !== returnsMin) return
  const text = `Two agents have the node id ${id}: their streams ${former.at(-1)} and ${stream} send live data in turn`
  toTimeline(context, { f: 1, k: 'event', subject: id, device: id, atMs, level: 'error', code: 'NODE_TWICE', text })
}
