import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { openEmbeddedLog } from '../log/index.ts'
import { notifierSchema } from './config.ts'
import { startReceiver } from './notifiers/testing/receiver.ts'
import { openNotifier } from './notify.ts'
import { alarm, appendAlarms } from './testing/notifier.ts'

async function until(check: () => boolean, what: string): Promise<void> {
  for (const endMs = Date.now() + 15_000; !check(); ) {
    if (Date.now() > endMs) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a receiver that takes nothing is an alarm that the others are told, until it does, also by the next process', {
  timeout: 40_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-supervision-'))
  const log = await openEmbeddedLog({ path: join(folder, 'log.sqlite') }, { log: silentLog, metrics: createMetrics() })
  let isDown = true
  const nurse = await startReceiver((_, response) => response.writeHead(isDown ? 503 : 200).end())
  const doctor = await startReceiver()
  const to = [
    { kind: 'webhook', name: 'nurse', url: nurse.url },
    { kind: 'webhook', name: 'doctor', url: doctor.url },
  ]
  const config = notifierSchema.parse({ to, failingAfterMs: 1000, retryMsMax: 300 })
  const start = async () => {
    const context = { log, clock: systemClock, logger: silentLog, metrics: createMetrics(), lagMs: () => 0 }
    const run = await openNotifier({ ...config, path: join(folder, 'notifier.sqlite') }, context)
    const sending = run.send()
    return { close: () => sending.stop().then(run.close) }
  }
  const about = () => doctor.messages.filter(({ body }) => body.alerts[0].labels.alertname === 'notifier-down')
  const first = await start()
  await appendAlarms(log, 0, [alarm('a')])
  await until(() => about().length > 0, 'the alarm of the receiver')
  expect(about()[0]!.body.alerts[0]).toMatchObject({
    status: 'firing',
    labels: { device: 'millrace', channel: 'nurse', severity: 'high', type: 'technical' },
    annotations: {
      summary: expect.stringMatching(/^The receiver nurse takes no notifications since .* \(NOTIFY_UNREACHABLE.*503/),
    },
  })
  await first.close()
  isDown = false
  const second = await start()
  await until(() => about().length > 1, 'its end')
  expect(about().map(({ body }) => body.status)).toEqual(['firing', 'resolved'])
  await second.close()
  await nurse.close()
  await doctor.close()
  await log.close()
  rmSync(folder, { recursive: true })
})
