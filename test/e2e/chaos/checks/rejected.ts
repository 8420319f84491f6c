/**
 * Rejected = the planted bad input. Every piece of garbage that a line took was planted with a length that no other piece for
 * that device has, and so is known again:
 *
 * - A stretch of that length is in the rejected topic once; or it was on the line within an outage of its device.
 * - Any other entry is what an outage cut: less than one frame, or frames lost between two that were read. There are at most
 *   two for an outage of that device, one at each end.
 */
import type { Fault as LineFault } from '@millrace/simulators'
import type { LogView } from './log.ts'
import type { Outage } from './outages.ts'

export interface RejectedFinding {
  planted: number
  rejected: number
  /** Planted, and lost in an outage. */
  unread: number
  /** Frames cut by an outage. */
  cut: number
  wrong: string[]
}

/** A sentence of NMEA; frames of the others are shorter. */
const frameBytesMax = 82
const slackMs = 1500

export async function compareRejected(
  log: LogView,
  faults: LineFault[],
  outages: Outage[],
  kindOf: (device: string) => string,
): Promise<RejectedFinding> {
  const finding: RejectedFinding = { planted: 0, rejected: 0, unread: 0, cut: 0, wrong: [] }
  const planted = new Map<string, LineFault>()
  for (const fault of faults) {
    if (fault.kind !== 'garbage') continue
    finding.planted++
    // The line feed that ends a line of garbage does not belong to it.
    const bytes = kindOf(fault.device) === 'nmea-0183' ? fault.bytes! - 1 : fault.bytes!
    planted.set(`${fault.device}/${bytes}`, fault)
  }
  const cuts = new Map<string, string[]>()
  for await (const { record } of log.read('rejected')) {
    const { device, reason, detail } = record as Record<string, string>
    const bytes = Number(/\((\d+) bytes\)/.exec(detail!)?.[1])
    if (reason === 'EDGE_FRAME' && planted.delete(`${device}/${bytes}`)) finding.rejected++
    else if (reason === 'EDGE_FRAME' && bytes < frameBytesMax) cuts.set(device!, [...(cuts.get(device!) ?? []), detail!])
    else finding.wrong.push(`${device}: ${reason} ${detail}, which nobody planted`)
  }
  for (const [device, details] of cuts) {
    finding.cut += details.length
    const ends = 2 * outages.filter((one) => one.device === device).length
    if (details.length > ends)
      finding.wrong.push(`${device}: ${details.length} cut frames at ${ends} ends of outages: ${details}`)
  }
  for (const { device, bytes, fromMs } of planted.values()) {
    if (touched(device, fromMs)) finding.unread++
    else finding.wrong.push(`${device}: garbage of ${bytes} bytes at ${new Date(fromMs).toISOString()} was not rejected`)
  }
  return finding

  function touched(device: string, atMs: number): boolean {
    return outages.some((one) => one.device === device && atMs >= one.fromMs - slackMs && atMs <= one.toMs + slackMs)
  }
}
