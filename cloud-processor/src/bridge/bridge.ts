/**
 * The bridge between the broker and the log: appends each message to `raw` as it came, and receipts it only when the
 * append is durable. It keeps no state of its own: a message that it dropped, or whose append failed, gets no receipt and is
 * sent again by its agent.
 *
 *   message → queue (bounded) → append to raw, several groups in flight → durable → receipts, gathered per node
 *
 * Once a second the leading bridge appends a tick to every raw partition. While the lag from raw to rules is above `lagMsMax`
 * live data overtakes the backlog: historical batches beyond a guaranteed minimum (`backlog.ts`) are neither appended nor receipted.
 */
import { randomUUID } from 'node:crypto'
import { type Control, encodeRaw, formatReceipt, nodeMetrics, parseBatchName, parseBirthName, topics } from '@millrace/contract'
import { encodeNodeCommand, formatTopic, parseTopic, peek } from '@millrace/contract/sparkplug'
import { type Clock, type Counter, every, type Log as Logger, type Metrics } from '@millrace/platform'
import type { Log } from '../log/log.ts'
import { AppendQueue, type Waiting } from './append-queue.ts'
import { createBacklog } from './backlog.ts'
import type { BridgeConfig } from './config.ts'
import type { Packet } from './mqtt-connection.ts'
import { createReceipts } from './receipts.ts'

type MessageListener = (topic: string, payload: Uint8Array, settled: (isDurable: boolean) => void, packet?: Packet) => void

/** A connection to the broker; `mqtt.ts` is the real one. */
export interface Transport {
  publish(topic: string, payload: Uint8Array | string): void
  /** `payload` holds during the call. `settled` is called once: true when the append is durable, false when the message was dropped and must be sent again. */
  onMessage(listener: MessageListener): void
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

const noFlags: Packet = { flags: 0 }
const hostTypes: ReadonlySet<string> = new Set(['NCMD', 'DCMD', 'STATE'])

export function startBridge(config: BridgeConfig, context: BridgeContext): Bridge {
  const bridge = new MqttToLog(config, context)
  context.transport.onMessage((topic, payload, settled, packet) => bridge.take(topic, payload, settled, packet))
  return { lead: () => bridge.lead(), status: () => bridge.status(), stop: () => bridge.stop() }
}

class MqttToLog {
  readonly #config: BridgeConfig
  readonly #context: BridgeContext
  readonly #status: BridgeStatus
  readonly #backlog: ReturnType<typeof createBacklog>
  readonly #receipts: ReturnType<typeof createReceipts>
  readonly #queue: AppendQueue
  readonly #received: Counter
  readonly #dropped: Counter
  readonly #retained: Counter
  /** Of this process: its ticks have one monotonic clock. */
  readonly #run = randomUUID().slice(0, 8)

  constructor(config: BridgeConfig, context: BridgeContext) {
    const { log, clock, logger, metrics } = context
    this.#config = config
    this.#context = context
    this.#status = emptyStatus(config)
    this.#backlog = createBacklog(config, context.lagMs, clock)
    this.#dropped = metrics.counter('millrace_bridge_dropped_total', 'Messages not appended, by reason; agents send theirs again')
    this.#retained = metrics.counter('millrace_bridge_retained_total', 'Retained copies that a subscription brought')
    this.#received = metrics.counter('millrace_bridge_received_total', 'Messages from the broker')
    this.#receipts = createReceipts({
      host: config.host,
      log: log.id,
      everyMs: config.receiptEveryMs,
      credit: (node) => this.#credit(node),
      clock,
      send: (node, receipt) => this.#sendReceipt(node, receipt),
    })
    const appended = (group: Waiting[]) => this.#appended(group)
    this.#queue = new AppendQueue({ log, logger, dropped: this.#dropped, inFlightMax: config.appendsUnderway, appended })
  }

  take(topic: string, payload: Uint8Array, settled: Waiting['settled'], packet = noFlags): void {
    const parsed = topic.startsWith('spBv1.0/') ? parseTopic(topic) : undefined
    // What hosts say, this one's receipts among it, comes back from the broker; it is not data.
    if (parsed && hostTypes.has(parsed.type)) return settled(true)
    const node = parsed && 'node' in parsed ? `${parsed.group}/${parsed.node}` : undefined
    if (this.#isOthers(topic, node)) return settled(true)
    this.#status.received++
    this.#received.add()
    const glance = node === undefined ? undefined : peek(payload, false)
    if (node !== undefined && glance?.historical && this.#isHeldBack(node, glance.uuid, payload.length)) return settled(false)
    if (!glance?.historical) this.#backlog.tookLive(payload.length)
    if (this.#queue.bytes + payload.length > this.#config.queueBytesMax) {
      this.#status.dropped++
      this.#dropped.add({ reason: 'queue-full' })
      return settled(false)
    }
    const receivedMs = this.#context.clock.now()
    const value = encodeRaw({ k: 'message', topic, payload, receivedMs, ...this.#told(packet) })
    this.#queue.push({ record: { key: node ?? topic, value }, node, uuid: glance?.uuid, receivedMs, settled })
  }

  #told({ flags, delivery }: Packet) {
    const retain = (flags & 1) !== 0
    if (retain) this.#retained.add()
    return { qos: (flags >> 1) & 3, retain, dup: (flags & 8) !== 0, ...(delivery ? { delivery } : {}) }
  }

  #isOthers(topic: string, node: string | undefined): boolean {
    const { ownsNode } = this.#context
    return ownsNode !== undefined && topic.startsWith('spBv1.0/') && !ownsNode(node ?? topic)
  }

  #isHeldBack(node: string, uuid: string | undefined, bytes: number): boolean {
    if (parseBatchName(uuid) === undefined) return false
    if (this.#backlog.takes(node, bytes)) {
      this.#status.backlogBytes += bytes
      return false
    }
    this.#status.heldHistorical++
    this.#dropped.add({ reason: 'historical-held' })
    this.#receipts.remind(node)
    this.#receipts.flush()
    return true
  }

  #appended(group: Waiting[]): void {
    this.#status.appended += group.length
    for (const message of group) {
      message.settled(true)
      this.#receipt(message)
    }
    this.#receipts.flush()
  }

  #receipt({ node, uuid, receivedMs }: Waiting): void {
    if (node === undefined || uuid === undefined) return
    const batch = parseBatchName(uuid)
    if (batch) return this.#receipts.add(node, batch.stream, batch.number, receivedMs)
    const declaration = parseBirthName(uuid)
    if (declaration) this.#receipts.addBirth(node, declaration, receivedMs)
  }

  #credit(node: string): number {
    this.#status.creditBytes = this.#backlog.credit(node)
    return this.#status.creditBytes
  }

  #sendReceipt(node: string, receipt: Parameters<typeof formatReceipt>[0]): void {
    const { transport, clock } = this.#context
    const [group, id] = node.split('/') as [string, string]
    const topic = formatTopic({ group, type: 'NCMD', node: id })
    transport.publish(topic, encodeNodeCommand(nodeMetrics.receipt, formatReceipt(receipt), clock.now()))
  }

  lead() {
    const { clock, transport } = this.#context
    const stopTicks = every(clock, 1000, () => this.#tick())
    const leading = transport.lead(true)
    return {
      stop: async () => {
        stopTicks()
        await leading
        await this.#leadNoMore()
      },
    }
  }

  /** The host is offline only when no other bridge goes on. */
  #leadNoMore(): Promise<void> {
    const { transport, isLast } = this.#context
    return transport.lead(false, isLast?.() ?? true)
  }

  #tick(): void {
    const { clock, log } = this.#context
    const offMs = clock.offMs?.() ?? 0
    const elapsedMs = Math.round(clock.monotonic())
    const value = encodeRaw({ k: 'tick', atMs: clock.now(), run: this.#run, elapsedMs, ...(offMs === 0 ? {} : { offMs }) })
    for (let partition = 0; partition < log.partitions; partition++)
      log.append(topics.raw, partition, [{ key: 'tick', value }]).catch(() => {})
  }

  status(): BridgeStatus {
    const { transport } = this.#context
    const queuedBytes = this.#queue.bytes
    return { ...this.#status, queuedBytes, connected: transport.connected(), isBehind: this.#backlog.isBehind() }
  }

  async stop(): Promise<void> {
    this.#queue.stop()
    this.#receipts.stop()
    // Only where a stop of leading was cut off.
    await this.#leadNoMore()
    await this.#context.transport.close()
  }
}

function emptyStatus({ backlogBytesPerSecondMin }: BridgeConfig): BridgeStatus {
  return {
    connected: false,
    received: 0,
    appended: 0,
    heldHistorical: 0,
    dropped: 0,
    queuedBytes: 0,
    creditBytes: 0,
    backlogBytes: 0,
    backlogBytesPerSecondMin,
    isBehind: false,
  }
}

/** Puts a control record into every raw partition, through which alone anything acts on the stages. Durable when resolved. */
export async function appendControl(log: Log, clock: Clock, control: Control): Promise<void> {
  const value = encodeRaw({ k: 'control', control, atMs: clock.now() })
  for (let partition = 0; partition < log.partitions; partition++)
    await log.append(topics.raw, partition, [{ key: 'control', value }])
}
