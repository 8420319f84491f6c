import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAlive } from '../support/process-facts.ts'
import { startProcess } from './engine-process.ts'
import { foreign } from './foreign.ts'
import { engines, tools } from './index.ts'
import { stablePort } from './ports.ts'
import { megabytes, table } from './table.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-engines-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const script = (text: string) => ({ name: 'it', address: '', dir, command: process.execPath, args: ['-e', text] })

test('a table is as wide as its widest cells, and megabytes are whole', () => {
  expect(
    table([
      ['a', 'bcd'],
      ['efgh', ''],
    ]),
  ).toBe('a     bcd\nefgh')
  expect(megabytes(45_010_327)).toBe('45 MB')
  expect(megabytes(undefined)).toBe('')
})

test('a variable names an engine that runs already by host and port, or by URL where it speaks HTTP', () => {
  const tcp = { variable: 'ENGINE_KAFKA', protocol: 'tcp' } as const
  const http = { variable: 'ENGINE_QUESTDB', protocol: 'http' } as const
  expect(foreign(tcp, '127.0.0.1:9092', '').address).toBe('127.0.0.1:9092')
  expect(foreign(http, 'localhost:9000', '').address).toBe('http://localhost:9000')
  expect(foreign(http, 'https://[::1]:9000/', '').address).toBe('https://[::1]:9000')
  expect(() => foreign(tcp, 'kafka', '')).toThrow('ENGINE_KAFKA=kafka: give host:port.')
  expect(() => foreign(tcp, 'http://127.0.0.1:9092', '')).toThrow('give host:port.')
})

test('an engine that another program started is left running', async () => {
  const engine = foreign({ variable: 'ENGINE_KAFKA', protocol: 'tcp' }, '127.0.0.1:1', '')
  await engine.stop()
  await expect(engine.kill()).rejects.toThrow('another program')
  expect(() => engine.freeze()).toThrow('another program')
})

test('every engine and tool is listed under its own name and has a variable of its own', () => {
  for (const [name, tool] of Object.entries({ ...engines, ...tools })) expect(tool.name).toBe(name)
  for (const { name, variable } of Object.values(engines)) expect(variable).toBe(`ENGINE_${name.toUpperCase().replace('-', '_')}`)
})

test('a port is below those that Linux gives to outgoing connections', async () => {
  const port = await stablePort()
  expect(port).toBeGreaterThanOrEqual(20_000)
  expect(port).toBeLessThan(32_768)
})

test('an engine that ends while it starts is told with the last lines of its output', async () => {
  const start = startProcess({ ...script("console.log('no disk'); process.exit(3)"), isHealthy: async () => false })
  await expect(start).rejects.toThrow(/it ended while it started \(code 3\):\n.*no disk/s)
})

test('an engine that cannot be run at all is told so', async () => {
  const start = startProcess({ ...script(''), command: '/nowhere', isHealthy: async () => false })
  await expect(start).rejects.toThrow('ended while it started')
})

test('an engine is killed, restarted in the same folder, frozen, and stopped all the same', async () => {
  const isHealthy = async () => readFileSync(join(dir, 'output.log'), 'utf8').includes('up')
  const engine = await startProcess({ ...script("console.log('up'); setInterval(() => {}, 1e6)"), isHealthy })
  const first = engine.pid!
  await engine.kill()
  expect([engine.pid, isAlive(first)]).toEqual([undefined, false])
  await engine.restart()
  expect(engine.pid).not.toBe(first)
  engine.freeze()
  await engine.stop()
  expect(engine.pid).toBeUndefined()
})
