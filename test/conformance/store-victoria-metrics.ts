/** The time-series store's suite on a real VictoriaMetrics. */
import { runSuite } from './run-suite.ts'

await runSuite('victoria-metrics', 'store.suite.ts')
