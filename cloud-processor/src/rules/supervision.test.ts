import { expect, test } from 'vitest'
import { startReceiver } from './notifiers/testing/receiver.ts'
import { alarm, logForEachTest, until } from './testing/notifier.ts'

const { append, closing, start } = logForEachTest()

test('a receiver that takes nothing is an alarm that the others are told, until it does, also by the next process', {
  timeout: 40_000,
}, async () => {
  let isDown = true
  const nurse = await startReceiver((_, response) => response.writeHead(isDown ? 503 : 200).end())
  const doctor = await startReceiver()
  closing.push(nurse.close, doctor.close)
  const to = [
    { kind: 'webhook', name: 'nurse', url: nurse.url },
    { kind: 'webhook', name: 'doctor', url: doctor.url },
  ]
  const settings = { to, failingAfterMs: 1000, retryMsMax: 300 }
  const about = () => doctor.messages.filter(({ body }) => body.alerts[0].labels.alertname === 'notifier-down')
  const first = await start(settings)
  await append(alarm('a'))
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
  await start(settings)
  await until(() => about().length > 1, 'its end')
  expect(about().map(({ body }) => body.status)).toEqual(['firing', 'resolved'])
})
