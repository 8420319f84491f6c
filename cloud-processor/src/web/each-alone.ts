/** One record that cannot be shown is left out, named and counted; those beside it are shown. */
import type { Log, Metrics } from '@millrace/platform'

/** @returns a guard that runs `show` for each, whatever it throws for one */
export function createEachAlone(log: Log, metrics: Metrics) {
  const unshown = metrics.counter('millrace_web_unshown_total', 'Records that the page could not show')
  return <T>(records: T[], show: (record: T) => void): void => {
    for (const record of records) {
      try {
        show(record)
      } catch (error) {
        unshown.add()
        if (unshown.value() === 1) log.error('the page cannot show a record, and says so once', { error })
      }
    }
  }
}
export type EachAlone = ReturnType<typeof createEachAlone>
