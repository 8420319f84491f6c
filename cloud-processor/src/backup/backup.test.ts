import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeRaw, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openEmbeddedLog } from '../log/index.ts'
import { backUp, restore } from './backup.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-backup-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const context = { clock: systemClock, logger: silentLog }
const open = (folder: string) =>
  openEmbeddedLog({ path: join(dir, folder, 'log.sqlite'), partitions: 2 }, { log: silentLog, metrics: createMetrics() })
const record = (value: string) => ({ key: 'k', value: Buffer.from(value) })
const everything = { records: 1000, bytes: 1e9 }

test('a restored log has what it had, says what it is, and never gives an offset again', async () => {
  const log = await open('live')
  await log.append(topics.raw, 0, [record('a'), record('b')])
  const made = await backUp(join(dir, 'live'), join(dir, 'backup'), systemClock)
  const lost = await log.append(topics.raw, 0, [record('lost')])
  await log.close()
  await restore(join(dir, 'backup'), join(dir, 'new'), { partitions: 2 }, context)
  const restored = await open('new')
  const found = await restored.read(topics.raw, 0, 0, everything)
  expect(found.slice(0, 2).map(({ value }) => Buffer.from(value).toString())).toEqual(['a', 'b'])
  expect(found[2]!.offset).toBeGreaterThan(lost + 2 ** 30)
  expect(decodeRaw(found[2]!.value)).toMatchObject({ k: 'control', control: { type: 'restored', backupMs: made.atMs } })
  expect(await restored.read(topics.raw, 0, lost, everything)).toHaveLength(1)
  expect(restored.id).toBe(log.id)
  // A partition that was empty is read from its start.
  expect(await restored.read(topics.alarms, 1, 0, everything)).toEqual([])
  const next = await restored.append(topics.alarms, 1, [record('x')])
  expect(await restored.read(topics.alarms, 1, 0, everything)).toMatchObject([{ offset: next }])
  await restored.close()
  await restore(join(dir, 'backup'), join(dir, 'twice'), { partitions: 2 }, context)
  expect(existsSync(join(dir, 'twice', 'log.sqlite'))).toBe(true)
})

test('nothing is written over, and what is not whole restores nothing', async () => {
  await (await open('live')).close()
  const backup = join(dir, 'backup')
  await backUp(join(dir, 'live'), backup, systemClock)
  await expect(backUp(join(dir, 'live'), backup, systemClock)).rejects.toMatchObject({ code: 'BACKUP_EXISTS' })
  await expect(restore(backup, join(dir, 'live'), { partitions: 2 }, context)).rejects.toMatchObject({ code: 'BACKUP_EXISTS' })
  await expect(backUp(join(dir, 'none'), join(dir, 'b2'), systemClock)).rejects.toMatchObject({ code: 'BACKUP_NOTHING' })
  writeFileSync(join(backup, 'log.sqlite'), 'other')
  await expect(restore(backup, join(dir, 'new'), { partitions: 2 }, context)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
  rmSync(join(backup, 'backup.json'))
  await expect(restore(backup, join(dir, 'new2'), { partitions: 2 }, context)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
})
