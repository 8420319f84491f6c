import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { exampleMessage, testLocalNotifier } from '../conformance.ts'
import { file } from './file.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-file-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { signal } = new AbortController()
let files = 0

async function receiver(more: object = {}) {
  const path = join(folder, `${++files}`)
  const notifier = file.create(file.schema.parse({ kind: 'file', path, ...more }))
  const text = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  return { notifier, path, text, received: () => text().split('\n').length - 1 || 0 }
}

testLocalNotifier(file, { path: '/tmp/alarms' }, receiver)

test('a change is one line, whatever its text holds', async () => {
  const { notifier, text } = await receiver()
  await notifier.send(exampleMessage({ text: 'low\nand \x1b[31mred' }), 1, signal)
  expect(text()).toBe('2023-11-14T22:13:20.000Z raised high spo2-low/bed-1/spo2/1700000000000 low and  [31mred\n')
})

test('a value is 1 while an alarm is active, and 0 when none is', async () => {
  const { notifier, text, path } = await receiver({ format: 'value' })
  writeFileSync(path, 'something longer')
  await notifier.send(exampleMessage(), 2, signal)
  expect(text()).toBe('1')
  await notifier.send(exampleMessage({ change: 'cleared', active: false }), 1, signal)
  expect(text()).toBe('1')
  await notifier.send(exampleMessage({ change: 'cleared', active: false }), 0, signal)
  expect(text()).toBe('0')
})

test('a pipe that nobody reads, and a path that is not there, hold up nothing and are tried again', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, join(folder, 'no', 'such')]) {
    const notifier = file.create(file.schema.parse({ kind: 'file', path }))
    await expect(notifier.send(exampleMessage(), 1, signal)).rejects.toMatchObject({ code: 'NOTIFY_UNREACHABLE' })
  }
})
