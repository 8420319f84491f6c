/** The time-series store's suite on a real InfluxDB 2. */
import { runSuite } from './run-suite.ts'

await runSuite('influxdb', 'store.suite.ts')
