import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { openStore } from './store.ts'

test('a store that is closed during a write starts nothing more', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-store-'))
  let timers = 0
  const after: Clock['after'] = (ms, call) => {
    timers++
    return systemClock.after(ms, call)
  }
  const store = await openStore(join(dir, 's.sqlite'), { messagesMax: 1000, bytesMax: 1 << 20 }, { ...systemClock, after })
  await store.change([{ k: 'session', session: 1, client: 'c', user: 'u' }])
  const [id] = await store.keep('a', Buffer.from('x'), [{ session: 1, qos: 1 }])
  const written = store.keep('a', Buffer.from('y'), [{ session: 1, qos: 1 }])
  store.free(id!, 2)
  await store.close()
  await written.catch(() => {})
  const atClose = timers
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(timers).toBe(atClose)
  rmSync(dir, { recursive: true })
})
