import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { storageConformance } from './conformance.ts'
import { sqliteStorage } from './sqlite-storage.ts'
import { emptyTransaction } from './storage.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-outbox-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const put = (id: number) => ({ ...emptyTransaction(), put: [{ id, meta: `${id}`, payload: new Uint8Array(5000).fill(id) }] })

describe('sqlite storage', () => {
  storageConformance(() => sqliteStorage(join(folder, 'conformance.sqlite')))

  test('tells how many bytes it has written, never less than what was put', async () => {
    const storage = sqliteStorage(join(folder, 'wear.sqlite'))
    await storage.open()
    const { writtenBytes: first = 0 } = await storage.commit(put(1))
    const { writtenBytes: second = 0 } = await storage.commit(put(2))
    await storage.close()
    if (process.platform === 'linux') expect(second - first).toBeGreaterThan(5000)
    expect(second - first).toBeLessThan(200_000)
  })

  test('a second opening of the same file is refused while the first lasts', async () => {
    const path = join(folder, 'locked.sqlite')
    const first = sqliteStorage(path)
    const second = sqliteStorage(path)
    await first.open()
    await expect(second.open()).rejects.toMatchObject({ code: 'AGENT_OUTBOX_LOCKED' })
    await first.close()
    await second.open()
    await second.close()
  })

  test('a file of a newer format is refused and left as it is', async () => {
    const path = join(folder, 'newer.sqlite')
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version=2')
    db.close()
    const storage = sqliteStorage(path)
    await expect(storage.open()).rejects.toMatchObject({ code: 'AGENT_OUTBOX_NEWER' })
    await storage.close()
    expect(readdirSync(folder).filter((name) => name.includes('newer.sqlite.corrupt'))).toEqual([])
  })

  test('a damaged file is set aside and a new one begun', async () => {
    const path = join(folder, 'damaged.sqlite')
    const first = sqliteStorage(path)
    await first.open()
    for (let id = 1; id <= 50; id++) await first.commit(put(id))
    await first.close()
    writeFileSync(path, readFileSync(path).fill(0x5a, 4096, 60_000))
    const second = sqliteStorage(path)
    const { entries, setAside } = await second.open()
    expect(entries).toEqual([])
    expect(setAside).toContain('damaged.sqlite.corrupt-')
    await second.commit(put(1))
    await second.close()
  })

  test('a full disk refuses the transaction whole, and takes it when there is room again', async () => {
    const path = join(folder, 'full.sqlite')
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE ballast (x)')
    db.close()
    const { openFile } = await import('./sqlite-file.ts')
    const { file } = openFile(path, undefined, 40)
    const many = { ...emptyTransaction(), put: Array.from({ length: 60 }, (_, i) => put(100 + i).put[0]!) }
    file.commit(put(1))
    expect(() => file.commit(many)).toThrow(expect.objectContaining({ code: 'AGENT_OUTBOX_FULL' }))
    expect([...file.read([1, 100]).keys()]).toEqual([1])
    file.commit({ ...put(2), remove: [1] })
    file.close()
  })

  test('what was acknowledged before kill -9 is there afterwards, and the lock is gone with the process', async () => {
    const path = join(folder, 'killed.sqlite')
    const script = `
      import { sqliteStorage } from ${JSON.stringify(new URL('./sqlite-storage.ts', import.meta.url).href)}
      const storage = sqliteStorage(process.argv[1])
      await storage.open()
      for (let id = 1; ; id++) {
        await storage.commit({ put: [{ id, meta: 'm' + id, payload: new Uint8Array(500) }], remove: [], removeBetween: [], setAside: [], set: new Map([['last', '' + id]]) })
        process.stdout.write(id + '\\n')
      }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let acknowledged = 0
    for await (const line of createInterface(child.stdout)) {
      acknowledged = Number(line)
      if (acknowledged === 200) child.kill('SIGKILL')
    }
    if (child.signalCode === null) await once(child, 'exit')
    const storage = sqliteStorage(path)
    const { entries, small } = await storage.open()
    await storage.close()
    expect(acknowledged).toBeGreaterThanOrEqual(200)
    expect(entries.length).toBeGreaterThanOrEqual(acknowledged)
    expect(entries.map(({ id }) => id)).toEqual(entries.map((_, index) => index + 1))
    expect(small.get('last')).toBe(`${entries.length}`)
  })
})
