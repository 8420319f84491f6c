/**
 * A notifier in a process of its own, to be killed or watched: `node testing/notifier-process.ts <folder> <url> [<configuration>]`.
 * Says when it has taken the notification `readyAt`. Ends when its input does, and then says what it did and how long its
 * event loop was held up.
 */
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { openEmbeddedLog } from '../../log/index.ts'
import { notifierSchema } from '../config.ts'
import { openNotifier } from '../notify.ts'

const [folder, url, given = '{}'] = process.argv.slice(2) as [string, string, string?]
const { lagMs = 0, readyAt, ...more } = JSON.parse(given)
const metrics = createMetrics()
const log = await openEmbeddedLog({ path: join(folder, 'log.sqlite') }, { log: silentLog, metrics })
const config = notifierSchema.parse({ to: [{ kind: 'webhook', url }], ...more })
const context = { log, clock: systemClock, logger: silentLog, metrics, lagMs: () => lagMs }
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()
const notifier = await openNotifier({ ...config, path: join(folder, 'notifier.sqlite') }, context)
const sending = notifier.send()
const looking = setInterval(() => {
  if (notifier.list(1)[0]?.key !== readyAt) return
  clearInterval(looking)
  process.stdout.write('ready\n')
}, 50)
process.stdin.on('end', async () => {
  clearInterval(looking)
  await sending.stop()
  const states = notifier.list(100_000).map(({ key, state }) => [key, state])
  const said = JSON.stringify({ states, delayMs: delay.max / 1e6 })
  await notifier.close()
  await log.close()
  process.stdout.write(`${said}\n`, () => process.exit())
})
process.stdin.resume()
