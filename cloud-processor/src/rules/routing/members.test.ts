import { type AlarmTopicRecord, encodeJson } from '@millrace/contract'
import { silentLog } from '@millrace/platform'
import { expect, test } from 'vitest'
import { exampleAlarm } from '../notifiers/conformance.ts'
import { openOutbox } from '../outbox.ts'
import { compileRoutes } from './routes.ts'

const routes = compileRoutes({ to: ['nurse'] }, [])
let offset = 0
const recordOf = (value: AlarmTopicRecord) => ({ offset: offset++, key: 'x', value: encodeJson(value), timeMs: 0 })
const due = (id: string) => recordOf({ f: 1, k: 'notification', key: `${id}#raised`, alarm: exampleAlarm({ id }) })
const settled = (key: string) => recordOf({ f: 1, k: 'settled', key, target: 'nurse', state: 'sent', atMs: 5 })

function withMessage() {
  const options = { path: ':memory:', targets: ['nurse'], routes, queueMax: 100, historyMax: 100 }
  const outbox = openOutbox(options, silentLog, 0)
  outbox.take('log', 0, ['a', 'b', 'c'].map(due))
  const seqs = outbox.members.waiting(0, 10).map(({ seq }) => seq)
  outbox.bundle('nurse', { send: outbox.members.read(seqs.slice(0, 2)), withhold: [] }, 1)
  return outbox
}

test('a message is over when another process has told of each that it is about', () => {
  const outbox = withMessage()
  expect([outbox.pending(), outbox.waiting('nurse', 0, 10)]).toMatchObject([2, [{ isMessage: true }]])
  outbox.take('log', 0, [settled('a#raised')])
  expect(outbox.waiting('nurse', 0, 10)).toHaveLength(1)
  outbox.take('log', 0, [settled('b#raised')])
  expect([outbox.pending(), outbox.waiting('nurse', 0, 10)]).toEqual([1, []])
  expect(['a', 'b', 'c'].map((id) => outbox.told(id, 'nurse'))).toEqual(['yes', 'yes', 'waits'])
})

test('a message that is dissolved and made again of the same has the same key, and keeps how often it was sent', () => {
  const outbox = withMessage()
  const [first] = outbox.waiting('nurse', 0, 10)
  const { key } = outbox.read(first!.seq)!
  outbox.start([first!.seq])
  outbox.dissolve(first!.seq, 1, 'too long')
  expect([outbox.pending(), outbox.told('a', 'nurse'), outbox.waiting('nurse', 0, 10)]).toEqual([3, 'waits', []])
  const seqs = outbox.members.waiting(0, 10).map(({ seq }) => seq)
  outbox.bundle('nurse', { send: outbox.members.read(seqs.slice(0, 2)), withhold: [] }, 2)
  const [again] = outbox.waiting('nurse', first!.seq, 10)
  expect(outbox.read(again!.seq)!.key).toBe(key)
  expect(outbox.pending()).toBe(2)
})
