/** The verdict for people: a line a device, what is wrong, and one closing line. */
import type { Tally } from '@millrace/contract'
import { sumOf, type Term } from './account.ts'
import type { Verdict } from './verify.ts'

const columns = [
  'produced',
  'read',
  'stored',
  'filtered',
  'rejected',
  'evicted',
  'collapsed',
  'expired',
  'unread',
  'lost',
] as const satisfies readonly Term[]

/** What makes up what was produced. */
const parts = columns.filter((column) => column !== 'produced' && column !== 'read')

export function printVerdict(verdict: Verdict): string {
  const { devices, channels, open } = verdict
  const wrong = [
    ...channels
      .filter(({ first }) => first !== undefined)
      .map(
        ({ device, channel, lost, extra, first }) =>
          `${device}/${channel}: ${lost} missing, ${extra} doubled or altered; ${first}`,
      ),
    ...devices.flatMap(({ device, wrong }) => wrong.map((text) => `${device}: ${text}`)),
    ...open.map((text) => `not settled: ${text}`),
  ]
  return [...tableOf(verdict), '', ...wrong.map((line) => `  ${line}`), closingLine(verdict)].join('\n')
}

/** Readings + waveform samples; columns that are zero everywhere are left out. */
function tableOf({ devices }: Verdict): string[] {
  const always: Term[] = ['produced', 'read', 'stored', 'unread', 'lost']
  const shown = columns.filter((column) => always.includes(column) || devices.some((device) => sumOf(device[column]) !== 0))
  const total = (column: Term): Tally => [0, 1].map((k) => devices.reduce((sum, one) => sum + one[column][k]!, 0)) as Tally
  const rows = devices.map((device) => [device.device, ...shown.map((column) => format(device[column]))])
  const all = [['device', ...shown], ...rows, ['total', ...shown.map((column) => format(total(column)))]]
  const widths = all[0]!.map((_, k) => Math.max(...all.map((row) => row[k]!.length)))
  return all.map((row) => row.map((text, k) => (k === 0 ? text.padEnd(widths[k]!) : text.padStart(widths[k]!))).join('  '))
}

export function closingLine({ isWhole, total, gaps, ledgerCloses, open }: Verdict): string {
  const sum = parts.filter((part) => part === 'stored' || part === 'lost' || total[part] !== 0)
  const terms = sum.map((part) => `${total[part]} ${part}${part === 'unread' ? ` (under ${gaps} gaps)` : ''}`)
  const ledger = open.length > 0 ? 'has not settled' : ledgerCloses ? 'closes' : 'does NOT close'
  return `${isWhole ? 'WHOLE' : 'NOT WHOLE'}: ${total.produced} produced = ${terms.join(' + ')}; ${total.extra} doubled or altered; the ledger ${ledger}`
}

function format([readings, samples]: Tally): string {
  return samples === 0 ? `${readings}` : `${readings} + ${samples}`
}
