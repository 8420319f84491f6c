/**
 * CPU of the embedded log's append path: `node test/bench/log-append.ts [records] [bytes]`. Prints microseconds of the process (both
 * threads) for each record, in groups as the bridge makes them. Run it on two versions in turn to compare them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../cloud-processor/src/log/embedded/embedded.ts'
import { createMetrics, silentLog } from '../../platform/src/index.ts'

const [records = 200_000, bytes = 600] = process.argv.slice(2).map(Number)
const groupRecords = 100
const dir = mkdtempSync(join(tmpdir(), 'millrace-log-append-'))
const log = await openEmbeddedLog({ path: join(dir, 'log.sqlite') }, { log: silentLog, metrics: createMetrics() })
const group = Array.from({ length: groupRecords }, (_, k) => ({
  key: 'bed-1',
  value: Buffer.alloc(bytes, `${k} spo2 97 pulse 61 `),
}))
const round = async (count: number) => {
  for (let done = 0; done < count; done += groupRecords) await log.append('millrace.raw', 0, group)
}
await round(records / 10)
const before = process.cpuUsage()
await round(records)
const { user, system } = process.cpuUsage(before)
await log.close()
rmSync(dir, { recursive: true })
console.log(
  `${((user + system) / records).toFixed(2)} us of CPU a record of ${bytes} bytes (user ${(user / records).toFixed(2)})`,
)
