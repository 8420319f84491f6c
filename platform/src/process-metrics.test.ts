import { expect, it } from 'vitest'
import { silentLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { measureProcess } from './process-metrics.ts'

it('a process tells when it was started, what it holds and how busy it is', () => {
  const metrics = createMetrics()
  const stop = measureProcess(metrics, silentLog)
  const values = metrics.values()
  expect(values.process_start_time_seconds).toBeLessThanOrEqual(Date.now() / 1000)
  expect(values.process_start_time_seconds).toBeGreaterThan(Date.now() / 1000 - 3600)
  expect(values.process_resident_memory_bytes).toBeGreaterThan(10 << 20)
  expect(values.process_cpu_seconds).toBeGreaterThan(0)
  expect(values.process_event_loop_share).toBeGreaterThanOrEqual(0)
  stop()
})
