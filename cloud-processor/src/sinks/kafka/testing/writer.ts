/** A process to be killed by a test: writes readings in order and prints the next offset once they are durable. */
import { writeSync } from 'node:fs'
import { topics } from '@millrace/contract'
import { createMetrics, systemClock } from '@millrace/platform'
import { kafkaSinkSchema } from '../config.ts'
import { openKafkaSink } from '../kafka.ts'
import { readingAt } from './records.ts'

const config = kafkaSinkSchema.parse(JSON.parse(process.argv[2]!))
const sink = await openKafkaSink(config, { metrics: createMetrics(), clock: systemClock })
for (let offset = 0; ; offset += 20) {
  const records = Array.from({ length: 20 }, (_, k) => readingAt(offset + k))
  await sink.write('log-a', topics.timeline, 0, records)
  writeSync(1, `${offset + 20}\n`)
}
