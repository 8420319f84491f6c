/** The time-series store's suite on a real QuestDB. */
import { runSuite } from './run-suite.ts'

await runSuite('questdb', 'store.suite.ts')
