/**
 * To be killed: carries the timeline of an embedded log into a store, as the processor does, and says how far it is.
 * Arguments: the log's file, the store's options as JSON.
 */
import { writeSync } from 'node:fs'
import { openEmbeddedLog } from '@millrace/cloud-processor/log'
import { runSink } from '@millrace/cloud-processor/stage'
import { openInfluxStore } from '@millrace/cloud-processor/stores'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'

const context = { log: silentLog, metrics: createMetrics(), clock: systemClock }
const log = await openEmbeddedLog({ path: process.argv[2]! }, context)
const store = await openInfluxStore(JSON.parse(process.argv[3]!), context)
const sink = runSink(
  {
    name: 'store',
    topic: topics.timeline,
    partition: 0,
    position: (kept) => store.open(log.id, 0, kept),
    write: (records) => store.write(0, records),
    holdsLog: true,
  },
  { stepRecords: 20, stepBytes: 1 << 20 },
  { log, clock: systemClock, logger: silentLog, metrics: createMetrics() },
)
setInterval(() => {
  const { next, end } = sink.progress()
  writeSync(1, `${next}/${end}\n`)
}, 20)
