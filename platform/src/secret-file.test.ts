import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
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

test('a file that others may read is warned of once, with the remedy; one of its owner or its group is not', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const open = join(folder, 'open')
  for (const [name, mode] of [
    ['open', 0o644],
    ['closed', 0o600],
    ['group', 0o640],
  ] as const) {
    writeFileSync(join(folder, name), 'swordfish\n')
    chmodSync(join(folder, name), mode)
    for (let k = 0; k < 3; k++) readSecret(join(folder, name), 'bridge.passwordFile')
  }
  const said = write.mock.calls.map(([line]) => String(line))
  write.mockRestore()
  expect(said).toHaveLength(1)
  expect(said[0]).toContain(`chmod 600 ${open}`)
  expect(said[0]).toContain('bridge.passwordFile')
  expect(said[0]).not.toContain('swordfish')
})
