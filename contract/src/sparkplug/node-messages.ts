/** The other messages of an edge node, and the command that a host gives it. All have names instead of aliases. */
import { type ClockOffset, encodeClockOffset } from '../clock-offset.ts'
import { type BatchName, formatBatchName, nodeMetrics } from '../naming.ts'
import type { Metric } from './metric.ts'
import { encodePayload, type Payload } from './payload.ts'

export interface NodeBirthToEncode {
  /** 0 to 255; one more with every connection, kept over restarts. */
  bdSeq: number
  /** When the message is sent, epoch ms. */
  timestamp: number
  /** [tck-id-payloads-nbirth-seq] wants 0, the default. */
  seq?: number
  /** Told as String metrics `Properties/<key>`. */
  properties?: Record<string, string>
  /** Further metrics; one without a timestamp gets the message's. */
  metrics?: Metric[]
}

/**
 * NBIRTH with the metrics that every Millrace node has: `bdSeq`, `Node Control/Rebirth` (false, and without an alias
 * [tck-id-operational-behavior-data-commands-rebirth-name-aliases]), `Node Control/Receipt`, `Millrace/Ledger` and
 * `Millrace/Gap` (null). Every metric has a timestamp [tck-id-payloads-name-birth-data-requirement].
 */
export function encodeNodeBirth(birth: NodeBirthToEncode): Uint8Array {
  const { bdSeq, timestamp, seq = 0, properties = {}, metrics = [] } = birth
  const all: Metric[] = [
    bdSeqMetric(bdSeq),
    { name: nodeMetrics.rebirth, datatype: 'Boolean', value: false },
    { name: nodeMetrics.receipt, datatype: 'String', value: null },
    { name: nodeMetrics.ledger, datatype: 'String', value: null },
    { name: nodeMetrics.gap, datatype: 'String', value: null },
  ]
  for (const [key, value] of Object.entries(properties)) all.push({ name: `Properties/${key}`, datatype: 'String', value })
  all.push(...metrics)
  return encodePayload({
    timestamp,
    seq,
    metrics: all.map((metric) => ({ ...metric, timestamp: metric.timestamp ?? timestamp })),
  })
}

/** NDEATH: `bdSeq` alone [tck-id-payloads-ndeath-bdseq], and no seq [tck-id-payloads-ndeath-seq]. */
export function encodeNodeDeath(bdSeq: number, timestamp?: number): Uint8Array {
  const at = timestamp === undefined ? {} : { timestamp }
  return encodePayload({ ...at, metrics: [{ ...at, ...bdSeqMetric(bdSeq) }] })
}

/** [tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq] It is an Int64. */
function bdSeqMetric(bdSeq: number): Metric {
  return { name: nodeMetrics.bdSeq, datatype: 'Int64', value: bdSeq }
}

/** Of an NBIRTH or NDEATH; undefined when it has none. */
export function bdSeqOf(payload: Payload): number | undefined {
  const value = payload.metrics.find(({ name }) => name === nodeMetrics.bdSeq)?.value
  return typeof value === 'number' ? value : undefined
}

/** DDEATH: no metrics [tck-id-payloads-ddeath-timestamp] [tck-id-payloads-ddeath-seq]. Its `uuid` says why: see formatDeathName. */
export function encodeDeviceDeath(death: { timestamp: number; seq: number; uuid?: string }): Uint8Array {
  return encodePayload({ ...death, metrics: [] })
}

/** NCMD with one metric, and no seq [tck-id-payloads-ncmd-timestamp] [tck-id-payloads-ncmd-seq]. */
export function encodeNodeCommand(name: string, value: string | boolean, timestamp: number): Uint8Array {
  const datatype = typeof value === 'string' ? 'String' : 'Boolean'
  return encodePayload({ timestamp, metrics: [{ name, timestamp, datatype, value }] })
}

export interface NodeDataToEncode {
  /** Makes the message one that is receipted. */
  name?: BatchName | string
  /** String metrics by name. */
  metrics: Record<string, string>
  timestamp: number
  seq: number
  historical?: boolean
  /** Of the clock that stamped the times inside. */
  clock?: ClockOffset | undefined
}

/** NDATA with String metrics, which go without their datatype [tck-id-payloads-ndata-timestamp] [tck-id-payloads-ndata-seq]. */
export function encodeNodeData({ name, metrics, timestamp, seq, historical, clock }: NodeDataToEncode): Uint8Array {
  const uuid = name === undefined || typeof name === 'string' ? name : formatBatchName(name)
  const all = Object.entries(metrics).map(
    ([name, value]): Metric => ({ name, timestamp, datatype: 'String', isHistorical: historical, value }),
  )
  const body = clock && encodeClockOffset(clock)
  return encodePayload({ timestamp, seq, uuid, metrics: all, ...(body ? { body } : {}) }, true)
}
