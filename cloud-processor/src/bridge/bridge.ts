/**
 * The bridge between the broker and the log: appends each message to `raw` as it came, and receipts it only when the
 * append is durable. It keeps no state of its own: a message that it dropped, or whose append failed, gets no receipt and is
 * sent again by its agent.
 *
 *   message → queue (bounded) → append to raw, several groups under way → durable → receipts, gathered per node
 *
 * Once a second the leading bridge appends a tick to every raw partition. While the lag from raw to rules is above `lagMsMax`
 * live data overtakes the backlog: historical batches beyond a guaranteed minimum (`backlog.ts`) are neither appended nor receipted.
 */
import { randomUUID } from 'node:crypto'
import { type Control, encodeRaw, formatReceipt, nodeMetrics, parseBatchName, parseBirthName, topics } from '@millrace/contract'
import { encodeNodeCommand, formatTopic, parseTopic, peek } from '@millrace/contract/sparkplug'
import { type Clock, every, type Log as Logger, type Metrics } from '@millrace/platform'
import type { Log, NewRecord } from '../log/log.ts'
import { createBacklog } from './backlog.ts'
import type { BridgeConfig } from './config.ts'
import { createReceipts } from './receipts.ts'

/** A connection to the broker; `mqtt.ts` is the real one. */
export interface Transport {
  publish(topic: string, payload: Uint8Array | string): void
  /** `payload` holds during the call. `settled` is called once: true when the append is durable, false when the message was dropped and must be sent again. */
  onMessage(listener: (topic: string, payload: Uint8Array, settled: (isDurable: boolean) => void) => void): void
  connected(): boolean
  /** Of all bridges on one log one leads: it alone holds STATE and the session of plain devices. The last one to end says that the host is offline. */
  lead(isLeading: boolean, isLast?: boolean): Promise<void>
  close(): Promise<void>
}

export interface BridgeContext {
  log: Log
  transport: Transport
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** Age of what the rules have not yet seen, in ms. */
  lagMs(): number
  /** Of several bridges on one log, the one that takes this node's messages. Absent: every node is its own. */
  ownsNode?(node: string): boolean
  /** Whether no other bridge is there to go on. Absent: yes. */
  isLast?(): boolean
}

export interface Bridge {
  /** Holds STATE, the session of plain devices and the ticks until stopped. One bridge of all leads. */
  lead(): { stop(): Promise<void> }
  status(): BridgeStatus
  stop(): Promise<void>
}

export interface BridgeStatus {
  connected: boolean
  received: number
  appended: number
  heldHistorical: number
  dropped: number
  queuedBytes: number
  /** What the last receipt gave its agent. */
  creditBytes: number
  /** Bytes of historical batches taken, and how many a second are in any case. */
  backlogBytes: number
  backlogBytesPerSecondMin: number
  /** Live data lags, and the backlog has its guaranteed minimum only. */
  isBehind: boolean
}

const hostTypes: ReadonlySet<string> = new Set(['NCMD', 'DCMD', 'STATE'])

interface Waiting {
  record: NewRecord
  /** `group/node`, and what the message is to be receipted by. */
  node: string | undefined
  uuid: string | undefined
  receivedMs: number
  settled: (isDurable: boolean) => void
}

export function startBridge(config: BridgeConfig, around: BridgeContext): Bridge {
  const { log, transport, clock, logger, metrics } = around
  const status: BridgeStatus = {
    connected: false,
    received: 0,
    appended: 0,
    heldHistorical: 0,
    dropped: 0,
    queuedBytes: 0,
    creditBytes: 0,
    backlogBytes: 0,
    backlogBytesPerSecondMin: config.backlogBytesPerSecondMin,
    isBehind: false,
  }
  const backlog = createBacklog(config, around.lagMs, clock)
  const dropped = metrics.counter('millrace_bridge_dropped_total', 'Messages not appended, by reason; agents send theirs again')
  const received = metrics.counter('millrace_bridge_received_total', 'Messages from the broker')
  const receipts = createReceipts({ host: config.host, log: log.id, everyMs: config.receiptEveryMs, credit, clock, send })
  let queue: Waiting[] = []
  let underway = 0
  let isPumpDue = false
  let isStopped = false
  const run = randomUUID().slice(0, 8)

  function credit(node: string): number {
    status.creditBytes = backlog.credit(node)
    return status.creditBytes
  }

  function send(node: string, receipt: Parameters<typeof formatReceipt>[0]): void {
    const [group, id] = node.split('/') as [string, string]
    transport.publish(
      formatTopic({ group, type: 'NCMD', node: id }),
      encodeNodeCommand(nodeMetrics.receipt, formatReceipt(receipt), clock.now()),
    )
  }

  transport.onMessage((topic, payload, settled) => {
    const parsed = topic.startsWith('spBv1.0/') ? parseTopic(topic) : undefined
    // What hosts say, this one's receipts among it, comes back from the broker and is no data.
    if (parsed && hostTypes.has(parsed.type)) return settled(true)
    const node = parsed && 'node' in parsed ? `${parsed.group}/${parsed.node}` : undefined
    if (around.ownsNode && topic.startsWith('spBv1.0/') && !around.ownsNode(node ?? topic)) return settled(true)
    status.received++
    received.add()
    const glance = node === undefined ? undefined : peek(payload)
    if (node !== undefined && glance?.historical && isHeldBack(node, glance.uuid, payload.length)) return settled(false)
    if (!glance?.historical) backlog.tookLive(payload.length)
    if (status.queuedBytes + payload.length > config.queueBytesMax) {
      status.dropped++
      dropped.add({ reason: 'queue-full' })
      return settled(false)
    }
    const receivedMs = clock.now()
    const record = { key: node ?? topic, value: encodeRaw({ k: 'message', topic, payload, receivedMs }) }
    queue.push({ record, node, uuid: glance?.uuid, receivedMs, settled })
    status.queuedBytes += record.value.length
    pumpSoon()
  })

  function isHeldBack(node: string, uuid: string | undefined, bytes: number): boolean {
    if (parseBatchName(uuid) === undefined) return false
    if (backlog.takes(node, bytes)) {
      status.backlogBytes += bytes
      return false
    }
    status.heldHistorical++
    dropped.add({ reason: 'historical-held' })
    receipts.remind(node)
    receipts.flush()
    return true
  }

  /** Once all that came together is in the queue. */
  function pumpSoon(): void {
    if (isPumpDue) return
    isPumpDue = true
    queueMicrotask(() => {
      isPumpDue = false
      pump()
    })
  }

  /** Groups under way are appended in order; a group is what came while the ones before it were being written. */
  function pump(): void {
    if (isStopped || queue.length === 0 || underway >= config.appendsUnderway) return
    const group = queue
    queue = []
    underway++
    append(group)
      .catch((error) => {
        for (const { settled } of group) settled(false)
        dropped.add({ reason: 'append-failed' }, group.length)
        logger.error('append to raw failed; the agents keep these messages and send them again', {
          messages: group.length,
          error,
        })
      })
      .finally(() => {
        underway--
        for (const { record } of group) status.queuedBytes -= record.value.length
        pump()
      })
  }

  async function append(group: Waiting[]): Promise<void> {
    const byPartition = new Map<number, NewRecord[]>()
    for (const { record } of group) {
      const partition = log.partitionOf(record.key)
      const records = byPartition.get(partition)
      if (records) records.push(record)
      else byPartition.set(partition, [record])
    }
    await Promise.all([...byPartition].map(([partition, records]) => log.append(topics.raw, partition, records)))
    status.appended += group.length
    for (const message of group) {
      message.settled(true)
      receipt(message)
    }
    receipts.flush()
  }

  function receipt({ node, uuid, receivedMs }: Waiting): void {
    if (node === undefined || uuid === undefined) return
    const batch = parseBatchName(uuid)
    if (batch) return receipts.add(node, batch.stream, batch.number, receivedMs)
    const declaration = parseBirthName(uuid)
    if (declaration) receipts.addBirth(node, declaration, receivedMs)
  }

  function tick(): void {
    const offMs = clock.offMs?.() ?? 0
    const elapsedMs = Math.round(clock.monotonic())
    const value = encodeRaw({ k: 'tick', atMs: clock.now(), run, elapsedMs, ...(offMs === 0 ? {} : { offMs }) })
    for (let partition = 0; partition < log.partitions; partition++)
      log.append(topics.raw, partition, [{ key: 'tick', value }]).catch(() => {})
  }

  return {
    lead() {
      const stopTicks = every(clock, 1000, tick)
      const leading = transport.lead(true)
      return {
        async stop() {
          stopTicks()
          await leading
          await transport.lead(false, around.isLast?.() ?? true)
        },
      }
    },
    status: () => ({ ...status, connected: transport.connected(), isBehind: backlog.isBehind() }),
    async stop() {
      isStopped = true
      receipts.stop()
      // Only where a stop of leading was cut off; the host is offline only when no other bridge goes on.
      await transport.lead(false, around.isLast?.() ?? true)
      await transport.close()
    },
  }
}

/** Puts a control record into every raw partition, through which alone anything acts on the stages. Durable when resolved. */
export async function appendControl(log: Log, clock: Clock, control: Control): Promise<void> {
  const value = encodeRaw({ k: 'control', control, atMs: clock.now() })
  for (let partition = 0; partition < log.partitions; partition++)
    await log.append(topics.raw, partition, [{ key: 'control', value }])
}
