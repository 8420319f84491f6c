/** What every process tells of itself, under the names that Prometheus' own libraries use. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import { measureEventLoop } from './event-loop.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** Returns the function that ends what needs a timer. */
export function measureProcess(metrics: Metrics, lines: Log): () => void {
  const startedS = performance.timeOrigin / 1000
  let before: EventLoopUtilization = performance.eventLoopUtilization()
  metrics.gauge('process_start_time_seconds', 'When the process was started, in seconds since 1970', () => startedS)
  metrics.gauge('process_resident_memory_bytes', 'Memory that the process holds', () => process.memoryUsage.rss())
  metrics.gauge('process_cpu_seconds', 'CPU time that the process has used, all threads', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  metrics.gauge('process_event_loop_share', 'Share of the time since the last look that the main thread was busy', () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  })
  return measureEventLoop(metrics, lines)
}
