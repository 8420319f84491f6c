import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { basicCheck } from '@millrace/platform'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApi } from './api.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-api-'))
const passwordFile = join(dir, 'password')
const otherFile = join(dir, 'other')
writeFileSync(passwordFile, 'a good password\n')
writeFileSync(otherFile, 'another password\n')
const isCredential = basicCheck({ name: 'ward', passwordFile })
const server = createServer((request, response) => {
  response.statusCode = isCredential(request.headers.authorization) ? 200 : 401
  response.end(request.method === 'POST' ? '{"replayed":2}' : '[]')
})
let url: string

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => {
  server.close()
  rmSync(dir, { recursive: true })
})

test('asks a page that has a credential', async () => {
  const api = openApi(url, { user: 'ward', passwordFile })
  expect(await api.alarms()).toEqual([])
  expect(await api.replayRejected('test', undefined)).toEqual({ replayed: 2 })
})

test('says what is missing or wrong about the credential', async () => {
  await expect(openApi(url).alarms()).rejects.toThrow(`${url} needs a credential: name it with --user and --password-file.`)
  await expect(openApi(url, { user: 'ward', passwordFile: otherFile }).alarms()).rejects.toThrow('the password of ward')
  expect(() => openApi(url, { user: 'ward', passwordFile: undefined })).toThrow('--user ward needs --password-file')
})

test('says which address does not answer, or is not one', async () => {
  await expect(openApi('http://127.0.0.1:1/').alarms()).rejects.toThrow('No processor answers at http://127.0.0.1:1/ (')
  await expect(openApi('somewhere').alarms()).rejects.toThrow('--url somewhere is not an address')
})
