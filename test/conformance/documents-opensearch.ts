/** The document store's suite on a real OpenSearch. */
import { runSuite } from './run-suite.ts'

await runSuite('opensearch', 'documents.suite.ts')
