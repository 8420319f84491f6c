/** A process to be killed by a test: writes events in order and prints the next offset once they are durable. */
import { writeSync } from 'node:fs'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { openSearchSchema } from '../config.ts'
import { openOpenSearch } from '../opensearch.ts'
import { eventAt } from '../sample-documents.ts'

const config = openSearchSchema.parse(JSON.parse(process.argv[2]!))
const store = await openOpenSearch(config, { log: silentLog, metrics: createMetrics(), clock: systemClock })
for (let offset = 0; ; offset += 20) {
  const records = Array.from({ length: 20 }, (_, k) => eventAt(offset + k))
  await store.write('log-a', topics.timeline, 0, records)
  writeSync(1, `${offset + 20}\n`)
}
