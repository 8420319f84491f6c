import { type AbsenceReason, absenceReasons } from './codes/absences.ts'

/**
 * Names that both ends of the wire agree on. A batch is called `millrace:<stream>/<number>/<count>` in the Sparkplug
 * payload's `uuid`; a birth `millrace-birth:<declaration id>`; the death of a device `millrace-death:<why it is away>`.
 *
 * - `stream`: random, made at every start of an agent, so that no restored or cloned disk can use a name again.
 * - `number`: rises by one from 1 over everything the agent sends in that stream.
 * - `count`: scalar readings inside (waveform samples are counted by the ledger records).
 */
export interface BatchName {
  stream: string
  number: number
  count: number
}

const batchPattern = /^millrace:([0-9a-z]{8,32})\/(\d{1,15})\/(\d{1,9})$/
const birthPattern = /^millrace-birth:([0-9a-f]{16,64})$/

export function formatBatchName({ stream, number, count }: BatchName): string {
  return `millrace:${stream}/${number}/${count}`
}

/** Undefined when the text is not a batch name: the message does not come from a Millrace agent. */
export function parseBatchName(uuid: string | undefined): BatchName | undefined {
  const match = uuid === undefined ? null : batchPattern.exec(uuid)
  return match ? { stream: match[1]!, number: Number(match[2]), count: Number(match[3]) } : undefined
}

export function formatBirthName(declaration: string): string {
  return `millrace-birth:${declaration}`
}

export function parseBirthName(uuid: string | undefined): string | undefined {
  return uuid === undefined ? undefined : birthPattern.exec(uuid)?.[1]
}

/** The `uuid` of an agent's NDATA with a report: not a batch, and not receipted. */
export const reportName = 'millrace-report'

/** The `uuid` of an agent's DDEATH, which has no metrics: why its device is away. */
export const formatDeathName = (reason: AbsenceReason) => `millrace-death:${reason}`

export function parseDeathName(uuid: string | undefined): AbsenceReason | undefined {
  return absenceReasons.find((reason) => uuid === formatDeathName(reason))
}

/** Node-level metrics of a Millrace edge node. Each is declared in NBIRTH. */
export const nodeMetrics = {
  /** NCMD only: a receipt, see receipt.ts. String, null in the birth, no alias. */
  receipt: 'Node Control/Receipt',
  rebirth: 'Node Control/Rebirth',
  bdSeq: 'bdSeq',
  /** NDATA: cumulative counts, see ledger.ts. String (JSON). */
  ledger: 'Millrace/Ledger',
  /** NDATA: numbers evicted from the outbox, see ledger.ts. String (JSON). */
  gap: 'Millrace/Gap',
  /** NDATA: what the rules on the gateway made, see records/edge-alarms.ts. String (JSON). */
  alarm: 'Millrace/Alarm',
  /** NCMD only: an order of remote care, see records/gateways.ts. String (JSON). */
  order: 'Node Control/Order',
  /** NDATA: the answer, and how the configuration of the gateway is. String (JSON). */
  report: 'Millrace/Report',
  /** DDATA: absences of channels, an array of Absence. String (JSON). */
  absence: 'Millrace/Absence',
  /** DDATA: bad frames with reason and raw bytes, an array of BadFrame. String (JSON). */
  rejected: 'Millrace/Rejected',
} as const
