/** What `millrace archive` says to people. */
import { type DayView, daysOf, type Manifest } from '@millrace/cloud-processor/archive'
import type { ArchiveVerdict, PartitionVerdict } from './verify.ts'

const widths = [12, 9, 7, 14, 14, 14]
const row = (cells: (string | number)[]) =>
  cells.map((cell, k) => `${cell}`[k === 0 ? 'padEnd' : 'padStart'](widths[k]!)).join('')

export function printList(folder: string, manifests: Manifest[]): string {
  const head = row(['day', 'partition', 'files', 'readings', 'samples', 'bytes'])
  const lines = manifests.flatMap((manifest) => daysOf(manifest).map((day) => dayRow(manifest, day)))
  return [folder, head, ...lines, '', ...manifests.map(completeLine)].join('\n')
}

function dayRow({ partition }: Manifest, { day, files, readings, samples, bytes }: DayView): string {
  return row([day, partition, files, readings, samples, bytes])
}

type Complete = Pick<Manifest, 'partition' | 'behind'> & { completeToMs?: number | undefined }

function completeLine({ partition, completeToMs, behind }: Complete): string {
  const to = completeToMs === undefined ? 'not known to be complete yet' : `complete to ${new Date(completeToMs).toISOString()}`
  const held = Object.entries(behind).filter(([, ms]) => ms === null || ms <= (completeToMs ?? 0))
  const by = held.map(([node, ms]) => (ms === null ? `${node} (no cut yet)` : node)).join(', ')
  return `partition ${partition}: ${to}${by === '' ? '' : `; the last to be settled: ${by}`}`
}

export function printArchiveVerdict({ folder, partitions, isWhole }: ArchiveVerdict): string {
  const faults = partitions.flatMap((one) => one.faults.map((fault) => `  partition ${one.partition}: ${fault}`))
  const verdict = isWhole ? 'WHOLE: files, manifest and ledger agree.' : ['NOT WHOLE:', ...faults].join('\n')
  return [folder, ...partitions.flatMap(partitionLines), verdict].join('\n')
}

function partitionLines(one: PartitionVerdict): string[] {
  const { partition, readings, samples, collapsed, days, files, late, compared } = one
  const log = compared === undefined ? '' : `; ${compared} days compared with the log`
  return [
    `partition ${partition}: ${readings} readings and ${samples} samples in ${files} files of ${days} days${log}`,
    `  collapsed ${collapsed.join(' + ')}, late ${late.join(' + ')}`,
    `  ${completeLine(one)}`,
  ]
}
