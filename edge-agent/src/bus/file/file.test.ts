import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '@millrace/platform'
import { afterAll, expect, it } from 'vitest'
import { describeBus } from '../conformance.ts'
import { listen } from '../testing/listen.ts'
import { file } from './file.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

describeBus(file, async () => {
  const path = join(folder, `capture-${performance.now()}`)
  return {
    config: { path, bytesPerSecond: 1_000_000, chunkMs: 5 },
    plugIn: async () => writeFileSync(path, ''),
    send: async (bytes) => appendFileSync(path, bytes),
    close: async () => rmSync(path, { force: true }),
  }
})

it('plays a capture at its rate and falls silent', async () => {
  const path = join(folder, 'capture')
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, k) => k & 0xff))
  writeFileSync(path, bytes)
  const config = file.schema.parse({ path, bytesPerSecond: 20_000, chunkMs: 10 })
  const bus = file.create(config, { clock: systemClock, log: silentLog })
  const heard = listen()
  const startTime = performance.now()
  bus.start(heard)
  await heard.until('all of it', () => heard.received().length === bytes.length)
  expect(performance.now() - startTime).toBeGreaterThan(240)
  expect(heard.received().equals(bytes)).toBe(true)
  expect(heard.events).toEqual(['opened'])
  await bus.stop()
})

it('that is not there is told as unplugged', () => {
  const heard = listen()
  file.create(file.schema.parse({ path: join(folder, 'none') }), { clock: systemClock, log: silentLog }).start(heard)
  expect(heard.events).toEqual(['lost:unplugged'])
})
