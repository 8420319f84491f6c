import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeFolder, openDataFolder } from './data-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-folder-'))
afterAll(() => rmSync(folder, { recursive: true }))
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('every level that it makes is for this user alone, also under a wide umask', () => {
  const former = process.umask(0)
  makeFolder(join(folder, 'a/b/c'))
  process.umask(former)
  expect(['a', 'a/b', 'a/b/c'].map((path) => modeOf(join(folder, path)))).toEqual(['700', '700', '700'])
  makeFolder(join(folder, 'a/b/c'))
})

test('where no folder can be, it says so and returns', () => {
  writeFileSync(join(folder, 'file'), '')
  expect(() => makeFolder(join(folder, 'file'))).toThrow(/^DATA_FOLDER: The folder .*file cannot be used \(.* is a file\)/)
  expect(() => makeFolder(join(folder, 'file/x'))).toThrow(/DATA_FOLDER: .*is a file/)
  if (process.platform === 'linux') expect(() => makeFolder('/proc/x/y')).toThrow(/DATA_FOLDER: .*\/proc\/x\/y/)
})

test('what is there already is tightened, and a folder that others may read is said', () => {
  const path = join(folder, 'old')
  makeFolder(path)
  chmodSync(path, 0o755)
  for (const name of ['log.sqlite', 'log.sqlite-wal', 'notes.txt']) {
    writeFileSync(join(path, name), '')
    chmodSync(join(path, name), 0o644)
  }
  const said: object[] = []
  openDataFolder(path, { warn: (_message, fields) => void said.push(fields ?? {}) })
  expect(said).toEqual([{ path, mode: '0755' }])
  expect(['log.sqlite', 'log.sqlite-wal', 'notes.txt'].map((name) => modeOf(join(path, name)))).toEqual(['600', '600', '644'])
})
