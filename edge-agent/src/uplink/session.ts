/**
 * One connection as a Sparkplug edge node session: the messages in their order, and `seq`.
 *
 *   connect with the NDEATH will ─► subscribe ─► NBIRTH (seq 0) ─► DBIRTH.. ─► DDATA, NDATA, DBIRTH, DDEATH .. ─► NDEATH, DISCONNECT
 *
 * `seq` counts 0 to 255 over all of them but NDEATH [tck-id-payloads-sequence-num-req-nbirth]
 * [tck-id-payloads-sequence-num-incrementing]; it and the payload's time are set when a message is sent.
 */
import { type AbsenceReason, type ClockOffset, formatDeathName, nodeMetrics, reportName } from '@millrace/contract'
import {
  type Declaration,
  encodeBatch,
  encodeDeviceBirth,
  encodeDeviceDeath,
  encodeNodeBirth,
  encodeNodeData,
  encodeNodeDeath,
  formatStateTopic,
  formatTopic,
  type Metric,
} from '@millrace/contract/sparkplug'
import type { Clock } from '@millrace/platform'
import type { Batch, Content, Entry } from '../outbox/index.ts'
import type { Connection } from './transport.ts'

export interface NodeName {
  group: string
  node: string
}

export function nodeDeath({ group, node }: NodeName, bdSeq: number, clock: Clock) {
  return { topic: formatTopic({ type: 'NDEATH', group, node }), payload: encodeNodeDeath(bdSeq, clock.now()) }
}

export interface SessionContext {
  node: NodeName
  bdSeq: number
  /** Names of String metrics that the node may send, beside those that every agent has. */
  metrics: string[]
  clock: Clock
}

export class Session {
  /** Connected and subscribed. */
  isOpen = false
  /** After NBIRTH. */
  isBorn = false
  /**
   * NBIRTH and every DBIRTH that was due are sent, and no rebirth is requested: data may follow
   * [tck-id-payloads-dbirth-order] [tck-id-operational-behavior-data-commands-rebirth-action-1].
   */
  areBirthsSent = false
  /** Since its last birth the node has told how its configuration is. */
  isReported = false
  /** The socket's buffer has room. */
  isWritable = true
  private readonly connection: Connection
  private readonly context: SessionContext
  private seq = 0

  constructor(connection: Connection, context: SessionContext) {
    this.connection = connection
    this.context = context
  }

  /** [tck-id-message-flow-edge-node-ncmd-subscribe] [tck-id-message-flow-edge-node-birth-publish-subscribe] before the birth. */
  subscribe(host: string): Promise<void> {
    const { group, node } = this.context.node
    return this.connection.subscribe([this.nodeTopic('NCMD'), `spBv1.0/${group}/DCMD/${node}/+`, formatStateTopic(host)])
  }

  birth(): void {
    const { bdSeq, clock, metrics } = this.context
    const more = metrics.map((name): Metric => ({ name, datatype: 'String', value: null }))
    this.seq = 0
    this.areBirthsSent = false
    this.isReported = false
    this.publish(this.nodeTopic('NBIRTH'), encodeNodeBirth({ bdSeq, timestamp: clock.now(), seq: 0, metrics: more }))
    this.isBorn = true
  }

  deviceBirth(declaration: Declaration): void {
    this.publish(this.deviceTopic('DBIRTH', declaration.device), encodeDeviceBirth(declaration, this.stamp()))
  }

  deviceDeath(device: string, reason: AbsenceReason): void {
    const uuid = formatDeathName(reason)
    this.publish(this.deviceTopic('DDEATH', device), encodeDeviceDeath({ ...this.stamp(), uuid }))
  }

  /** Outside the stream: it is not receipted, and the host asks again where it is lost. */
  report(text: string): void {
    const payload = encodeNodeData({ name: reportName, metrics: { [nodeMetrics.report]: text }, ...this.stamp() })
    this.publish(this.nodeTopic('NDATA'), payload)
    this.isReported = true
  }

  /** @returns bytes on the wire. @throws SparkplugError when the content cannot be encoded; nothing was sent then. */
  send(entry: Entry, content: Content, declaration: Declaration | undefined, how: Pick<Sending, 'historical' | 'clock'>): number {
    const sending = { ...how, ...this.stamp() }
    const isText = 'text' in content
    const payload = isText ? encodeNode(entry, content.text, sending) : encodeDevice(entry, content.batch, declaration!, sending)
    this.publish(isText ? this.nodeTopic('NDATA') : this.deviceTopic('DDATA', entry.device), payload)
    return payload.length
  }

  /** [tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath] */
  async end(): Promise<void> {
    const { node, bdSeq, clock } = this.context
    if (this.isBorn) {
      const death = nodeDeath(node, bdSeq, clock)
      this.connection.publish(death.topic, death.payload, 1)
    }
    await this.connection.end()
  }

  private publish(topic: string, payload: Uint8Array): void {
    this.seq = (this.seq + 1) % 256
    this.isWritable = this.connection.publish(topic, payload, 0)
  }

  private stamp() {
    return { timestamp: this.context.clock.now(), seq: this.seq }
  }

  private nodeTopic(type: 'NBIRTH' | 'NDATA' | 'NCMD'): string {
    return formatTopic({ type, ...this.context.node })
  }

  private deviceTopic(type: 'DBIRTH' | 'DDATA' | 'DDEATH', device: string): string {
    return formatTopic({ type, ...this.context.node, device })
  }
}

interface Sending {
  historical: boolean
  clock: ClockOffset | undefined
  timestamp: number
  seq: number
}

function encodeNode(name: Entry, text: string, sending: Sending): Uint8Array {
  const { alarm, gap, ledger } = nodeMetrics
  const metric = name.kind === 'alarm' ? alarm : name.kind === 'gap' ? gap : ledger
  return encodeNodeData({ name, metrics: { [metric]: text }, ...sending })
}

function encodeDevice(name: Entry, { columns, bad }: Batch, { channels }: Declaration, sending: Sending): Uint8Array {
  const known = new Map(channels.map(({ alias, channel }) => [`${alias}`, channel]))
  return encodeBatch({
    name,
    device: name.device,
    columns,
    bad,
    aliasOf: Number,
    datatypeOf: (alias) => known.get(alias)!.datatype,
    intervalMsOf: (alias) => known.get(alias)?.intervalMs,
    ...sending,
  })
}
