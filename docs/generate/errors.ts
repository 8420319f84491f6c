/** docs/reference/errors.md, from the catalogue of errors. */
import { catalogue } from '@millrace/platform'
import { head } from './text.ts'

export function errorsPage(): string {
  const sections = Object.entries(catalogue).map(
    ([code, { says, remedy, retry }]) =>
      `## ${code}\n\n${quoted(says)}\n\n${remedy}${retry ? '\n\nIt is tried again by itself, or trying again helps.' : ''}\n`,
  )
  return [
    head('Errors', '`platform/src/errors.ts`'),
    'Every error that a person may see begins with its code. Text in braces is replaced by the actual value. Look for the code in the log of',
    'the process: `{"level":"error", ..., "code":"..."}`.',
    '',
    sections.join('\n'),
  ].join('\n')
}

function quoted(text: string): string {
  return `> ${text.replaceAll('<', '&lt;')}`
}
