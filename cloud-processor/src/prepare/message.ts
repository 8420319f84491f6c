/** A message of the raw topic, parsed once: what is behind it reads these fields. */
import { type BatchName, type ClockOffset, type Delivery, parseBatchName, parseBirthName, reportName } from '@millrace/contract'
import { peek, type SparkplugTopic } from '@millrace/contract/sparkplug'

export interface Message {
  topic: string
  payload: Uint8Array
  receivedMs: number
  /** The broker's copy, brought by a subscription: when it was published is not known, unless the payload says so. */
  isRetained: boolean
  /** Sent with DUP: the broker may have sent it before. */
  isDup?: boolean
  /** Of a plain message of QoS 1. */
  delivery?: Delivery
  /** True when a message that was rejected, at least in part, is replayed. */
  isReplay: boolean
  /** When the replay was ordered. */
  replayMs?: number
  /** When it was sent, by the clock of a Sparkplug node. */
  sentMs?: number
}

export type NodeTopic = Exclude<SparkplugTopic, { type: 'STATE' | 'NCMD' | 'DCMD' }>

export interface SparkplugMessage extends Message {
  type: NodeTopic['type']
  /** `group/node`. */
  node: string
  /** Sparkplug device id; `''` in a message of the node itself. */
  device: string
  /** Data of a Millrace agent has one. */
  name?: BatchName
  /** Of a Millrace agent: how its configuration is, outside its stream. */
  isReport: boolean
  /** Of a Millrace agent: its data and births are called by the names of naming.ts. */
  isOurs: boolean
  seq?: number
  /** What its agent says of the clock that stamped what is inside. */
  clock?: ClockOffset | undefined
  /** Of a birth without a Millrace name: metrics that cannot be read, by their place. */
  bad?: Map<number, string>
}

/** Of a Millrace agent, under a batch name. */
export type AgentMessage = SparkplugMessage & { name: BatchName }

export function readSparkplug(message: Message, topic: NodeTopic): SparkplugMessage {
  const { payload, receivedMs, isRetained, isReplay, replayMs } = message
  const { uuid, seq, timestamp, clock } = peek(payload) ?? {}
  const name = parseBatchName(uuid)
  return {
    topic: message.topic,
    payload,
    receivedMs,
    isRetained,
    isReplay,
    replayMs,
    sentMs: timestamp,
    type: topic.type,
    node: `${topic.group}/${topic.node}`,
    device: topic.device ?? '',
    name,
    isReport: uuid === reportName && topic.type === 'NDATA',
    isOurs: name !== undefined || parseBirthName(uuid) !== undefined || uuid === reportName,
    seq,
    clock,
  }
}
