/** The suite of sinks on a real Kafka. */
import { runSuite } from './run-suite.ts'

await runSuite('kafka', 'sink-kafka.suite.ts')
