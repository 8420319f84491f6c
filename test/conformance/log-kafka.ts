/** The log's suite on a real Kafka. */
import { runSuite } from './run-suite.ts'

await runSuite('kafka', 'log-kafka.suite.ts')
