/** A process to be killed by the conformance suite: appends numbers, writes each offset to standard output once it is durable. */
import { writeSync } from 'node:fs'
import { createMetrics, silentLog } from '@millrace/platform'
import { openKafkaLog } from './kafka.ts'

const log = await openKafkaLog(JSON.parse(process.argv[2]!), { log: silentLog, metrics: createMetrics() })
for (let n = 0; ; n += 10) {
  const waiting = Array.from({ length: 10 }, (_, k) =>
    log.append('millrace.raw', 0, [{ key: 'k', value: Buffer.from(`${n + k}`) }]),
  )
  for (const append of waiting) writeSync(1, `${await append}\n`)
}
