/**
 * One connection as a Sparkplug edge node session: the messages in their order, and `seq`.
 *
 *   connect with the NDEATH will ─► subscribe ─► NBIRTH (seq 0) ─► DBIRTH.. ─► DDATA, NDATA, DBIRTH, DDEATH .. ─► NDEATH, DISCONNECT
 *
 * `seq` counts 0 to 255 over all of them but NDEATH [tck-id-payloads-sequence-num-req-nbirth]
 * [tck-id-payloads-sequence-num-incrementing]; it and the payload's time are set when a message is sent.
 */
import { nodeMetrics } from '@millrace/contract'
import type { Clock } from '@millrace/contract/service'
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
} from '@millrace/contract/sparkplug'
import type { Content, Entry } from '../outbox/index.ts'
import type { Connection } from './transport.ts'

export interface NodeName {
  group: string
  node: string
}

export interface Session {
  /** After NBIRTH. */
  readonly isBorn: boolean
  /** The socket's buffer has room. */
  readonly isWritable: boolean
  writable(): void
  /** [tck-id-message-flow-edge-node-ncmd-subscribe] [tck-id-message-flow-edge-node-birth-publish-subscribe] before the birth. */
  subscribe(host: string): Promise<void>
  birth(): void
  deviceBirth(declaration: Declaration): void
  deviceDeath(device: string): void
  /** @returns bytes on the wire. @throws SparkplugError when the content cannot be encoded; nothing was sent then. */
  send(entry: Entry, content: Content, declaration: Declaration | undefined, historical: boolean): number
  /** [tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath] */
  end(): Promise<void>
}

export function nodeDeath({ group, node }: NodeName, bdSeq: number, clock: Clock) {
  return { topic: formatTopic({ type: 'NDEATH', group, node }), payload: encodeNodeDeath(bdSeq, clock.now()) }
}

export function createSession(connection: Connection, { group, node }: NodeName, bdSeq: number, clock: Clock): Session {
  let seq = 0
  let isBorn = false
  let isWritable = true
  const nodeTopic = (type: 'NBIRTH' | 'NDATA' | 'NCMD') => formatTopic({ type, group, node })
  const deviceTopic = (type: 'DBIRTH' | 'DDATA' | 'DDEATH', device: string) => formatTopic({ type, group, node, device })
  return {
    get isBorn() {
      return isBorn
    },
    get isWritable() {
      return isWritable
    },
    writable() {
      isWritable = true
    },
    subscribe: (host) => connection.subscribe([nodeTopic('NCMD'), `spBv1.0/${group}/DCMD/${node}/+`, formatStateTopic(host)]),
    birth() {
      seq = 0
      const payload = encodeNodeBirth({ bdSeq, timestamp: clock.now(), seq })
      publish(nodeTopic('NBIRTH'), payload)
      isBorn = true
    },
    deviceBirth(declaration) {
      publish(deviceTopic('DBIRTH', declaration.device), encodeDeviceBirth(declaration, stamp()))
    },
    deviceDeath(device) {
      publish(deviceTopic('DDEATH', device), encodeDeviceDeath(stamp()))
    },
    send(entry, content, declaration, historical) {
      const payload =
        'text' in content ? nodeData(entry, content.text, historical) : deviceData(entry, content, declaration!, historical)
      publish('text' in content ? nodeTopic('NDATA') : deviceTopic('DDATA', entry.device), payload)
      return payload.length
    },
    async end() {
      if (isBorn) {
        const death = nodeDeath({ group, node }, bdSeq, clock)
        connection.publish(death.topic, death.payload, 1)
      }
      await connection.end()
    },
  }

  function publish(topic: string, payload: Uint8Array): void {
    seq = (seq + 1) % 256
    isWritable = connection.publish(topic, payload, 0)
  }

  function stamp() {
    return { timestamp: clock.now(), seq }
  }

  function nodeData(entry: Entry, text: string, historical: boolean): Uint8Array {
    const metric = entry.kind === 'gap' ? nodeMetrics.gap : nodeMetrics.ledger
    return encodeNodeData({ name: entry, metrics: { [metric]: text }, historical, ...stamp() })
  }

  function deviceData(
    entry: Entry,
    content: Extract<Content, { batch: object }>,
    { channels }: Declaration,
    historical: boolean,
  ): Uint8Array {
    const known = new Map(channels.map(({ alias, channel }) => [`${alias}`, channel]))
    const { columns, bad } = content.batch
    return encodeBatch({
      name: entry,
      device: entry.device,
      columns,
      bad,
      historical,
      aliasOf: Number,
      datatypeOf: (alias) => known.get(alias)!.datatype,
      intervalMsOf: (alias) => known.get(alias)?.intervalMs,
      ...stamp(),
    })
  }
}
