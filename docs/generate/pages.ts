/** Every generated page of the reference. */
import { asyncApiPage } from '../../contract/src/schema/page.ts'
import { accessPage } from './access.ts'
import { codesPage } from './codes.ts'
import { configurationPage } from './configuration.ts'
import { errorsPage } from './errors.ts'
import { metricsPage } from './metrics.ts'
import { noticePage } from './notice.ts'

export function referencePages(): { path: string; text: string }[] {
  return [
    { path: 'NOTICE', text: noticePage() },
    { path: 'docs/reference/access.md', text: accessPage() },
    { path: 'docs/reference/asyncapi.yaml', text: asyncApiPage() },
    { path: 'docs/reference/codes.md', text: codesPage() },
    { path: 'docs/reference/configuration.md', text: configurationPage() },
    { path: 'docs/reference/errors.md', text: errorsPage() },
    { path: 'docs/reference/metrics.md', text: metricsPage() },
  ]
}
