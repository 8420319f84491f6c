import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeLog, type LogSettings } from '../conformance.ts'
import { openEmbeddedLog } from './embedded.ts'

const context = () => ({ log: silentLog, metrics: createMetrics() })
const { raw } = topics
const record = (value: string) => ({ key: 'k', value: Buffer.from(value) })

describeLog('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-log-'))
  const path = join(dir, 'log.sqlite')
  return {
    open: ({ partitions, bytesMax, retentionBytes }: LogSettings = {}) => {
      const bound = { bytesMax: retentionBytes }
      const retention = retentionBytes === undefined ? undefined : { raw: bound, timeline: bound, rejected: bound, alarms: bound }
      return openEmbeddedLog({ path, partitions, bytesMax, retention }, context())
    },
    async wipe() {
      for (const file of await readdir(dir)) await rm(join(dir, file))
    },
    remove: () => rm(dir, { recursive: true }),
    async whileRefusing(work) {
      const { rejected, restore } = await whileRefused(path, work)
      restore()
      return rejected
    },
    spawnAppender: () =>
      spawn(process.execPath, [fileURLToPath(new URL('./appender.ts', import.meta.url)), path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
  }
})

describe('embedded log', () => {
  let dir: string
  let path: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-log-'))
    path = join(dir, 'log.sqlite')
  })
  afterEach(() => rm(dir, { recursive: true }))

  test('is owned by one opener at a time', async () => {
    const log = await openEmbeddedLog({ path }, context())
    await expect(openEmbeddedLog({ path }, context())).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    const other = spawn(process.execPath, [fileURLToPath(new URL('./appender.ts', import.meta.url)), path], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    for await (const chunk of other.stderr) said += chunk
    expect(said).toContain('LOG_LOCKED')
    await log.close()
    await (await openEmbeddedLog({ path }, context())).close()
  })

  test('refuses a file that is not a log, and one of a newer version, with the remedy', async () => {
    await writeFile(path, 'no database, but long enough to be read as one'.repeat(100))
    await expect(openEmbeddedLog({ path }, context())).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    await rm(path)
    new DatabaseSync(path).exec('CREATE TABLE other (x)')
    await expect(openEmbeddedLog({ path }, context())).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    await rm(path)
    await (await openEmbeddedLog({ path }, context())).close()
    new DatabaseSync(path).exec('PRAGMA user_version=2')
    await expect(openEmbeddedLog({ path }, context())).rejects.toThrow(/LOG_NEWER.*newer version/)
  })

  test('commits calls that wait together in one transaction', async () => {
    const { metrics, ...rest } = context()
    const log = await openEmbeddedLog({ path }, { metrics, ...rest })
    await Promise.all(Array.from({ length: 1000 }, (_, n) => log.append(raw, 0, [record(`${n}`)])))
    expect(metrics.values()['millrace_log_commits_total{result="ok"}']).toBeLessThan(5)
    await log.close()
  })

  test('rejects the calls of a transaction that the disk refuses, whole, and goes on when there is room', async () => {
    const log = await openEmbeddedLog({ path }, context())
    await log.append(raw, 0, [record('before')])
    const { rejected, restore } = await whileRefused(path, () =>
      Promise.allSettled([
        log.append(raw, 0, [record('x'.repeat(2_000_000))]),
        log.commit({ stage: 's', partition: 0, outputs: [], snapshot: { next: 1, state: Buffer.from('half') } }),
      ]),
    )
    for (const one of rejected) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'LOG_WRITE', retry: true } })
    restore()
    expect(await log.loadSnapshot('s', 0)).toBeUndefined()
    expect(await log.append(raw, 0, [record('after')])).toBe(1)
    await log.close()
    const again = await openEmbeddedLog({ path }, context())
    const found = await again.read(raw, 0, 0, { records: 10, bytes: 1e6 })
    expect(found.map((r) => `${r.value}`)).toEqual(['before', 'after'])
    await again.close()
  })

  test('refuses more than may wait in memory, and takes it later', async () => {
    const log = await openEmbeddedLog({ path, queueBytesMax: 100_000 }, context())
    const calls = await Promise.allSettled(Array.from({ length: 5 }, () => log.append(raw, 0, [record('x'.repeat(40_000))])))
    expect(calls.map((call) => call.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'])
    expect(calls[4]).toMatchObject({ reason: { code: 'LOG_BUSY', retry: true } })
    expect(await log.append(raw, 0, [record('x')])).toBe(2)
    await log.close()
  })

  test('reads the same from memory and from the file, over any blocks and limits', async () => {
    const live = await openEmbeddedLog({ path }, context())
    let seed = 12
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return seed % below
    }
    for (let n = 0; n < 60; n++)
      await live.append(
        raw,
        0,
        Array.from({ length: 1 + random(40) }, (_, k) => record(`${n} ${k}${' '.repeat(random(20_000))}`)),
      )
    const { end } = await live.bounds(raw, 0)
    const asks = Array.from({ length: 50 }, () => ({ from: random(end), records: 1 + random(100), bytes: 1 + random(300_000) }))
    const ask = async (log: typeof live) => {
      const found = await Promise.all(asks.map(({ from, ...limit }) => log.read(raw, 0, from, limit)))
      return found.map((records) => records.map((r) => `${r.offset} ${r.timeMs} ${`${r.value}`.trimEnd()}`))
    }
    const fromMemory = await ask(live)
    await live.close()
    const cold = await openEmbeddedLog({ path, tailBytesMax: 0 }, context())
    // Limits in bytes are met about: a block is counted with its heads.
    const fromFile = await ask(cold)
    for (const [k, records] of fromFile.entries()) {
      const same = Math.min(records.length, fromMemory[k]!.length)
      expect(same).toBeGreaterThan(0)
      expect(records.slice(0, same)).toEqual(fromMemory[k]!.slice(0, same))
    }
    await cold.close()
  })

  test('drops what is older than its bound', async () => {
    let now = Date.UTC(2026, 0, 1)
    const clock = { now: () => now, monotonic: () => now, after: () => () => {} }
    const log = await openEmbeddedLog({ path, retention: { raw: { hoursMax: 1 } } }, { ...context(), clock })
    await log.append(raw, 0, [record('old')])
    now += 3_600_001
    await log.append(raw, 0, [record('young')])
    await log.trim()
    expect(await log.bounds(raw, 0)).toEqual({ start: 1, end: 2 })
    now += 3_600_001
    await log.trim()
    expect(await log.bounds(raw, 0)).toEqual({ start: 2, end: 2 })
    await log.close()
    const again = await openEmbeddedLog({ path }, context())
    expect(await again.append(raw, 0, [record('next')])).toBe(2)
    await again.close()
  })

  test('refuses every call after it was closed', async () => {
    const log = await openEmbeddedLog({ path }, context())
    const last = log.append(raw, 0, [record('in time')])
    await log.close()
    expect(await last).toBe(0)
    await expect(log.append(raw, 0, [record('late')])).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    await expect(log.read(raw, 0, 0, { records: 1, bytes: 1 })).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })

  test('refuses bounds of the topics that together exceed the bound of the file', async () => {
    await expect(openEmbeddedLog({ path, bytesMax: 1000 }, context())).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

/** Another connection holds the write lock: the writer's transaction fails as a whole, as it does on a disk that refuses. */
async function whileRefused<T>(path: string, work: () => Promise<T>): Promise<{ rejected: T; restore: () => void }> {
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const rejected = await work()
  return { rejected, restore: () => other.close() }
}
