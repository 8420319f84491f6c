import type { DialectPlugin } from './dialect.ts'
import { influxdb } from './influxdb/influxdb.ts'
import { questdb } from './questdb/questdb.ts'
import { victoriametrics } from './victoriametrics/victoriametrics.ts'

export type { Dialect, Row, RowQuery, StepQuery, Traits } from './dialect.ts'

/** One line each. */
export const dialects: Record<'influxdb' | 'victoriametrics' | 'questdb', DialectPlugin> = {
  influxdb,
  victoriametrics,
  questdb,
}
