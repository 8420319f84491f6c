import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, silentLog } from '@millrace/contract/service'
import { expect, test } from 'vitest'
import { openEmbeddedLog } from './embedded.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-log-'))
test('smoke', async () => {
  const open = () => openEmbeddedLog({ path: join(dir, 'a.sqlite') }, { log: silentLog, metrics: createMetrics() })
  const log = await open()
  const value = (n: number) => Buffer.from(`v${n}`)
  const firsts = await Promise.all([1, 2, 3].map((n) => log.append('millrace.raw', 0, [{ key: 'k', value: value(n) }])))
  expect(firsts).toEqual([0, 1, 2])
  await expect(open()).rejects.toThrow(/LOG_LOCKED/)
  await log.close()
  const again = await open()
  const records = await again.read('millrace.raw', 0, 1, { records: 10, bytes: 1e6 })
  expect(records.map((r) => `${r.offset} ${Buffer.from(r.value)}`)).toEqual(['1 v2', '2 v3'])
  await again.close()
  rmSync(dir, { recursive: true })
})
