/**
 * Asks nodes for their births again when `prepare` asks for it: NCMD `Node Control/Rebirth`. A request is a record on the timeline, so it is
 * seen again by a reader that starts further back; here it counts only while it is fresh by the clock, and once for each node in a while.
 * Nothing is lost when it is not sent: as long as something is missing, `prepare` asks again.
 */
import { decodeJson, type EventRecord, nodeMetrics, rebirthWanted } from '@millrace/contract'
import { encodeNodeCommand, formatTopic, isValidId } from '@millrace/contract/sparkplug'
import type { Clock, Log as Logger, Metrics } from '@millrace/platform'
import type { Transport } from './bridge.ts'

export interface Rebirths {
  /** A new record of the timeline. Of most it only looks whether the code of a request is in them. */
  see(value: Uint8Array): void
}

/** Older requests come from a reader that catches up, or from a replay. */
const ageMsMax = 10_000
/** Behind `prepare.rebirthEveryMs`, for a request that is seen twice. */
const everyMs = 5_000
/** Nodes remembered; the one asked longest ago is forgotten first. */
const nodesMax = 10_000

export function createRebirths(context: {
  transport: Pick<Transport, 'publish'>
  clock: Clock
  logger: Logger
  metrics: Metrics
}): Rebirths {
  const { transport, clock, logger, metrics } = context
  const requests = metrics.counter(
    'millrace_bridge_rebirths_total',
    'Rebirth requests to nodes, by result: sent, stale, repeated',
  )
  const askedMs = new Map<string, number>()

  function take(node: string, atMs: number, why: string): void {
    if (Math.abs(clock.now() - atMs) > ageMsMax) return requests.add({ result: 'stale' })
    if (clock.monotonic() - (askedMs.get(node) ?? Number.NEGATIVE_INFINITY) < everyMs) return requests.add({ result: 'repeated' })
    const [group = '', id = ''] = node.split('/')
    if (!isValidId(group) || !isValidId(id)) return
    askedMs.delete(node)
    askedMs.set(node, clock.monotonic())
    if (askedMs.size > nodesMax) askedMs.delete(askedMs.keys().next().value!)
    requests.add({ result: 'sent' })
    logger.info('asked a node for its births again', { node, why })
    transport.publish(formatTopic({ group, type: 'NCMD', node: id }), encodeNodeCommand(nodeMetrics.rebirth, true, clock.now()))
  }

  return {
    see(value) {
      if (!Buffer.from(value.buffer, value.byteOffset, value.length).includes(rebirthWanted)) return
      const record = decodeJson<EventRecord>(value)
      if (record.k === 'event' && record.code === rebirthWanted) take(record.device, record.atMs, record.text)
    },
  }
}
