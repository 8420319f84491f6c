import { expect, test } from 'vitest'
import { daysOf, flagsOf, startOf } from './metrics.ts'

const metrics = `process_start_time_seconds 1795362181
flag{name="dedup.minScrapeInterval", value="1ms", is_set="true"} 1
flag{name="retentionPeriod", value="100y", is_set="true"} 1
`

test('reads flags and start out of its metrics', () => {
  expect(flagsOf(metrics).get('dedup.minScrapeInterval')).toBe('1ms')
  expect(startOf(metrics)).toBe('1795362181')
})

test('knows a retention in every unit; a bare number is months', () => {
  expect(['400d', '100y', '2w', '48h', '13', 'x'].map(daysOf)).toEqual([400, 36_500, 14, 2, 403, 0])
})
