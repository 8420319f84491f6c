/** The thread that tries limits over what is stored: a week of a device is a second of work. */
import { type Trial, tryLimit } from '@millrace/alarms'
import { serveCalls } from '@millrace/platform/worker-side'

serveCalls<Trial>(
  () => ({ answer: tryLimit }),
  () => ({ code: 'WEB_FAILED', values: {} }),
)
