import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AlarmTopicRecord, encodeJson } from '@millrace/contract'
import { silentLog, systemClock } from '@millrace/platform'
import { afterAll, expect, test } from 'vitest'
import { notifierSchema } from './config.ts'
import { listDeadLetters, sendAgain } from './dead-letters.ts'
import { startReceiver } from './notifiers/testing/receiver.ts'
import { openOutbox } from './outbox.ts'
import { alarm } from './testing/notifier.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-dead-'))
afterAll(() => rmSync(folder, { recursive: true }))
const context = { clock: systemClock, log: silentLog }

/** The processor runs: its file is open. */
function outboxWith(path: string, count: number, queueMax = 1000) {
  const outbox = openOutbox({ path, targets: ['nurse'], queueMax, historyMax: 1000 }, silentLog, 0)
  const records = Array.from({ length: count }, (_, k) => alarm(`a${k}`, { atMs: 1000 + k })).flatMap(
    (one): AlarmTopicRecord[] => [one, { f: 1, k: 'notification', key: `${one.id}#raised`, alarm: one }],
  )
  outbox.take(
    'log-1',
    0,
    records.map((record, offset) => ({ offset, key: 'anna', value: encodeJson(record), timeMs: 0 })),
  )
  return outbox
}

test('what was refused or given up is listed, and sent again under its key while the processor runs', async () => {
  const path = join(folder, 'refused.sqlite')
  const outbox = outboxWith(path, 3, 2)
  const [first] = outbox.waiting('nurse', 0, 10)
  outbox.record([{ seq: first!.seq, state: 'refused', attempts: 1, error: 'HTTP 400' }])
  const letters = listDeadLetters(path)
  expect(letters.map(({ why, error, isActive }) => [why, error, isActive]).sort()).toEqual([
    ['evicted', undefined, true],
    ['refused', 'HTTP 400', true],
  ])

  let status = 400
  const server = await startReceiver((_, response) => response.writeHead(status).end())
  const config = notifierSchema.parse({ to: [{ kind: 'webhook', name: 'nurse', url: server.url }] })
  const refused = letters.find(({ why }) => why === 'refused')!
  const again = () => sendAgain(path, new Set([refused.key]), config, context)
  expect(await again()).toEqual([
    { key: refused.key, receiver: 'nurse', isTaken: false, error: expect.stringContaining('HTTP 400') },
  ])
  status = 200
  expect(await again()).toEqual([{ key: refused.key, receiver: 'nurse', isTaken: true }])
  expect(server.messages.map(({ headers }) => headers['idempotency-key'])).toEqual([
    encodeURI(refused.key),
    encodeURI(refused.key),
  ])
  expect(listDeadLetters(path).map(({ why }) => why)).toEqual(['evicted'])
  expect(await again()).toEqual([])
  expect(outbox.isTold(refused.key, 'nurse')).toBe('yes')
  expect(outbox.waiting('nurse', 0, 10)).toHaveLength(1)
  outbox.close()
  await server.close()
})

test('a receiver that is no longer configured is named; without a file there is nothing', async () => {
  const path = join(folder, 'gone.sqlite')
  const outbox = outboxWith(path, 1)
  outbox.record([{ seq: 1, state: 'refused', attempts: 1, error: 'HTTP 400' }])
  outbox.close()
  const config = notifierSchema.parse({ to: [{ kind: 'log', name: 'doctor' }] })
  await expect(sendAgain(path, new Set(['a0#raised']), config, context)).rejects.toThrow(
    'No receiver is named "nurse"; there are doctor',
  )
  expect(listDeadLetters(join(folder, 'none.sqlite'))).toEqual([])
})
