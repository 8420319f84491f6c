/**
 * A receipt says that the cloud's log holds batches durably. It travels as the String metric `Node Control/Receipt` of an
 * NCMD. Receipts are selective and idempotent, and may be lost. JSON, so that any host can write one:
 *
 * `{"f":1,"host":"millrace","log":"<log id>","got":"<stream>:1841-1850,1853;<stream>:7","births":["<declaration id>"],
 *   "credit":65536,"receivedMs":...,"sentMs":...}`
 */
import { formatRanges, parseRanges, type Ranges } from './ranges.ts'

export interface Receipt {
  /** Id of the host application that gives the receipt; an agent obeys only its configured host. */
  host: string
  /** Unique id of the log that holds the batches. */
  log: string
  /** Numbers held durably, by stream. */
  got: Map<string, Ranges>
  /** Declarations held durably. */
  births: string[]
  /** Bytes of backlog (historical batches) that the processor takes for now; 0 asks for live data only. */
  credit: number
  /** Processor's clock when the newest receipted message arrived, epoch ms. */
  receivedMs: number
  /** Processor's clock when this receipt was sent, epoch ms. */
  sentMs: number
}

export function formatReceipt(receipt: Receipt): string {
  const got = [...receipt.got]
    .filter(([, ranges]) => ranges.length > 0)
    .map(([stream, ranges]) => `${stream}:${formatRanges(ranges)}`)
    .join(';')
  const { host, log, births, credit, receivedMs, sentMs } = receipt
  return JSON.stringify({ f: 1, host, log, got, births, credit, receivedMs, sentMs })
}

/** Undefined when the text is not a receipt in a format that this version knows. */
export function parseReceipt(text: string): Receipt | undefined {
  let json: Record<string, unknown>
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (json === null || typeof json !== 'object' || json.f !== 1) return undefined
  const { host, log, got, births, credit, receivedMs, sentMs } = json
  if (typeof host !== 'string' || typeof log !== 'string' || typeof got !== 'string') return undefined
  const streams = new Map<string, Ranges>()
  for (const part of got === '' ? [] : got.split(';')) {
    const colon = part.indexOf(':')
    const ranges = colon > 0 ? parseRanges(part.slice(colon + 1)) : undefined
    if (!ranges) return undefined
    streams.set(part.slice(0, colon), ranges)
  }
  return {
    host,
    log,
    got: streams,
    births: Array.isArray(births) ? births.filter((b) => typeof b === 'string') : [],
    credit: typeof credit === 'number' && credit >= 0 ? credit : 0,
    receivedMs: Number(receivedMs) || 0,
    sentMs: Number(sentMs) || 0,
  }
}
