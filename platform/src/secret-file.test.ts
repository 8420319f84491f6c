import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readSecret } from './secret-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-secret-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'secret')

test.each([
  ['one\n', 'one'],
  ['one', 'one'],
  ['one\r\n', 'one'],
  [' two words \n', ' two words'],
  ['one\nsecond line\n', 'one'],
  ['', ''],
])('%j is read as %j', (content, secret) => {
  writeFileSync(path, content)
  expect(readSecret(path, 'store.tokenFile')).toBe(secret)
})

test('a file that cannot be read is named with its key', () => {
  const missing = join(folder, 'missing')
  const read = () => readSecret(missing, 'store.tokenFile')
  expect(read).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('store.tokenFile') }))
  expect(read).toThrow(missing)
})
