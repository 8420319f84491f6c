/** How far behind the stages and sinks of this process are. */
import type { Metrics, Sample } from '@millrace/platform'
import type { Progress } from '../stage/index.ts'

export function measureStages(metrics: Metrics, progress: () => Progress[]): void {
  const each = (value: (run: Progress) => number) => (): Sample[] =>
    progress().map((run) => ({ labels: { stage: run.name, partition: `${run.partition}` }, value: value(run) }))
  metrics.gauge(
    'millrace_stage_lag_ms',
    'Age of the newest record that a stage took while more wait for it, else 0',
    each(({ lagMs }) => lagMs),
  )
  metrics.gauge(
    'millrace_stage_lag_records',
    'Records that wait for a stage',
    each(({ next, end }) => Math.max(0, end - next)),
  )
}
