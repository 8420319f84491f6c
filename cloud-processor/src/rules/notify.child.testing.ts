/** A notifier in a process of its own, to be killed: `node notify.child.testing.ts <folder> <url>`. Ends when its input does. */
import { join } from 'node:path'
import { createMetrics, silentLog, systemClock } from '@millrace/contract/service'
import { openEmbeddedLog } from '../log/index.ts'
import { notifierSchema } from './config.ts'
import { openNotifier } from './notify.ts'

const [folder, url] = process.argv.slice(2) as [string, string]
const metrics = createMetrics()
const log = await openEmbeddedLog({ path: join(folder, 'log.sqlite') }, { log: silentLog, metrics })
const config = notifierSchema.parse({ to: [{ kind: 'webhook', url }] })
const around = { log, clock: systemClock, lines: silentLog, metrics, lagMs: () => 0 }
const notifier = await openNotifier({ ...config, path: join(folder, 'notifier.sqlite') }, around)
const sending = notifier.send()
process.stdin.on('end', async () => {
  await sending.stop()
  process.stdout.write(JSON.stringify(notifier.list().map(({ key, state }) => [key, state])))
  await notifier.close()
  await log.close()
})
process.stdin.resume()
