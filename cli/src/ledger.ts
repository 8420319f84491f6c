/** The ledger for people: one line a device, readings + samples. */

import type { LedgerView } from '@millrace/cloud-processor/web'
import type { Tally } from '@millrace/contract'

const columns = ['read', 'stored', 'filtered', 'rejected', 'evicted', 'collapsed', 'expired', 'difference'] as const

export function printLedger({ total, devices, derived, balanced, inFlight }: LedgerView): string {
  const head = ['device', ...columns].map((name, i) => (i === 0 ? name.padEnd(24) : name.padStart(20))).join('')
  const row = (name: string, sum: Record<(typeof columns)[number], Tally>) =>
    name.padEnd(24) + columns.map((column) => format(sum[column]).padStart(20)).join('')
  const lines = devices.map((device) => row(device.device, device))
  const computed = derived.read[0] > 0 ? [row('derived (computed)', derived)] : []
  const open = total.balanced ? derived : total
  const verdict = balanced ? 'The ledger closes.' : `The ledger does NOT close: difference ${format(open.difference)}.`
  const flight = `In flight: ${inFlight.outboxRows} rows in outboxes, ${inFlight.logRecords} records in the log.`
  return [
    head,
    ...lines,
    row('total', total),
    ...computed,
    '',
    `${verdict} Figures are readings + waveform samples at the latest cut. ${flight}`,
  ].join('\n')
}

function format([readings, samples]: Tally): string {
  return samples === 0 ? `${readings}` : `${readings} + ${samples}`
}
