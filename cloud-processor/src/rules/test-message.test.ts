import { silentLog, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { notifierSchema } from './config.ts'
import { startReceiver } from './notifiers/testing/receiver.ts'
import { testReceiver } from './test-message.ts'

const context = { clock: systemClock, log: silentLog }

test('a test message says whether the receiver took it, and why not', async () => {
  let status = 200
  const server = await startReceiver((_, response) => response.writeHead(status).end())
  const config = notifierSchema.parse({ to: [{ kind: 'webhook', name: 'nurse', url: server.url }] })
  expect(await testReceiver(config, 'nurse', context)).toMatchObject({ receiver: 'nurse', isTaken: true })
  expect(server.messages[0]!.body.alerts[0].labels).toMatchObject({ alertname: 'test', severity: 'low', type: 'technical' })
  status = 401
  expect(await testReceiver(config, 'nurse', context)).toMatchObject({
    isTaken: false,
    error: expect.stringContaining('HTTP 401'),
  })
  await server.close()
  expect(await testReceiver(config, 'nurse', context)).toMatchObject({
    isTaken: false,
    error: expect.stringContaining('ECONN'),
  })
  await expect(testReceiver(config, 'doctor', context)).rejects.toThrow(
    'NOTIFY_UNKNOWN: No receiver is named "doctor"; there are nurse.',
  )
})
