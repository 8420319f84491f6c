/** docs/reference/codes.md, from the catalogues of codes that records carry. */
import { absences } from '../../contract/src/codes/absences.ts'
import { events } from '../../contract/src/codes/events.ts'
import { rejections } from '../../contract/src/codes/rejections.ts'
import { head, table } from './text.ts'

type Catalogue = Record<string, { says: string; remedy: string }>

export function codesPage(): string {
  return [
    head('Codes', '`contract/src/codes/`'),
    'Codes that records of the log carry, stable: branch on the code, never on text. What a process says of itself is in',
    '[errors.md](errors.md).',
    '',
    section(
      'Rejections',
      '`reason` of a record on `millrace.rejected`; `millrace replay rejected --reason <code>` tries them again.',
      rejections,
    ),
    section('Events', '`code` of an event on `millrace.timeline`.', events),
    section('Absences', '`reason` of a gap on `millrace.timeline`: why there is no data.', absences),
  ].join('\n')
}

function section(title: string, about: string, catalogue: Catalogue): string {
  const rows = Object.entries(catalogue).map(([code, { says, remedy }]) => [`\`${code}\``, says, remedy])
  return `## ${title}\n\n${about}\n\n${table(['code', 'says', 'remedy'], rows)}\n`
}
