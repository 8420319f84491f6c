/** The document store's suite on a real Elasticsearch 7. */
import { runSuite } from './run-suite.ts'

await runSuite('elasticsearch', 'documents.suite.ts')
