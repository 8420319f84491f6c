/**
 * The Sparkplug B payload, message `Payload` of sparkplug_b.proto (proto2, package org.eclipse.tahu.protobuf):
 *
 *   1 timestamp  uint64           when the message was sent, epoch ms; up to 2^53 - 1
 *   2 metrics    repeated Metric  see metric.ts
 *   3 seq        uint64           0 to 255, one more with each message of the node
 *   4 uuid       string           ours: the name of a batch or birth, see ../naming.ts
 *   5 body       bytes            of a batch: the offset of the clock that stamped it, see ../clock-offset.ts
 *   6 on         extensions       skipped
 *
 * Source: Sparkplug 3.0.0, section 6.4.1.
 */
import { SparkplugError } from './error.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { decodeMetric, type Metric, MetricScan, scanMetric, whole, writeMetric, writeWhole } from './metric.ts'
import { Reader } from './reader.ts'
import { writer } from './writer.ts'

export interface Payload {
  timestamp?: number
  metrics: Metric[]
  seq?: number
  uuid?: string
  body?: Uint8Array
}

/** `isData`: an NDATA or DDATA, whose metrics have no datatype. @throws SparkplugError datatype-mismatch, out-of-range, bad-properties, unsupported. */
export function encodePayload(payload: Payload, isData = false): Uint8Array {
  writer.start().reserve(16)
  if (payload.timestamp !== undefined) writeWhole(writer, 0x08, payload.timestamp)
  for (const metric of payload.metrics) writeMetric(writer, metric, isData)
  writer.reserve(16)
  if (payload.seq !== undefined) writeWhole(writer, 0x18, payload.seq)
  if (payload.uuid !== undefined) writer.text(0x22, payload.uuid)
  if (payload.body !== undefined) writer.data(0x2a, payload.body)
  return writer.finish()
}

/**
 * With `onBadMetric`, a metric whose framing is whole but whose content is not (a value not of its datatype, text that is
 * not UTF-8, an unknown datatype) is told and left out; without, it throws like anything else.
 * @throws SparkplugError and nothing else, whatever the bytes.
 */
export function decodePayload(
  bytes: Uint8Array,
  limits: Partial<Limits> = {},
  onBadMetric?: (problem: SparkplugError, index: number) => void,
): Payload {
  const reader = new Reader(bytes, { ...defaultLimits, ...limits })
  const payload: Payload = { metrics: [] }
  const scan = new MetricScan()
  let index = 0
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x12) {
      scanMetric(reader, scan)
      if (index >= reader.limits.metrics) reader.fail('too-many', `metrics, at most ${reader.limits.metrics}`)
      const metric = decodeOr(reader, scan, index++, onBadMetric)
      if (metric) payload.metrics.push(metric)
    } else readHeader(reader, tag, payload)
  }
  return payload
}

/** Reads a top-level field that is not a metric. */
export function readHeader(reader: Reader, tag: number, payload: Omit<Payload, 'metrics'>): void {
  const at = reader.pos
  if (tag === 0x08) payload.timestamp = whole(reader, reader.varint(), 'timestamp', at)
  else if (tag === 0x18) payload.seq = whole(reader, reader.varint(), 'seq', at)
  else if (tag === 0x22) payload.uuid = reader.text(reader.range(), reader.pos)
  else if (tag === 0x2a) payload.body = reader.copy(reader.range(), reader.pos)
  else reader.skipUnknown(tag, 5)
}

function decodeOr(
  reader: Reader,
  scan: MetricScan,
  index: number,
  onBadMetric: ((problem: SparkplugError, index: number) => void) | undefined,
): Metric | undefined {
  const { pos, end } = reader
  try {
    return decodeMetric(reader, scan)
  } catch (error) {
    if (!onBadMetric || !(error instanceof SparkplugError) || error.reason === 'too-many') throw error
    reader.pos = pos
    reader.end = end
    onBadMetric(error, index)
    return undefined
  }
}
