import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createPtyPort, createTcpPort, type Port } from './index.ts'
import { openReader, sleep, until } from './test-reader.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-ports-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const everyByte = Uint8Array.from({ length: 256 }, (_, k) => k)
let number = 0
const makers: Record<string, () => Port> = {
  pty: () => createPtyPort(dir, `device-${++number}`),
  tcp: () => createTcpPort(0),
}

describe.each(Object.keys(makers))('a %s port', (kind) => {
  it('carries every byte unchanged, and swallows what the reader writes', async () => {
    const port = makers[kind]!()
    await port.plug()
    const reader = openReader(port.address())
    await until(() => port.hasReader())
    reader.write(everyByte)
    expect(port.write(everyByte)).toBe(256)
    await until(() => reader.bytes().length === 256)
    expect(port.hasReader()).toBe(true)
    await sleep(50)
    expect([...reader.bytes()]).toEqual([...everyByte])
    reader.close()
    port.unplug()
  })

  it('knows whether the port is open at the other end, and keeps nothing stale for the next reader', async () => {
    const port = makers[kind]!()
    await port.plug()
    expect(port.hasReader()).toBe(false)
    const first = openReader(port.address())
    await until(() => port.hasReader())
    first.close()
    port.write(Buffer.from('too late'))
    await until(() => !port.hasReader())
    const second = openReader(port.address())
    await until(() => port.hasReader())
    port.write(Buffer.from('fresh'))
    await until(() => second.bytes().length > 0)
    expect(second.bytes().toString()).toBe('fresh')
    second.close()
    port.unplug()
  })

  it('accepts only what fits and never waits', async () => {
    const port = makers[kind]!()
    await port.plug()
    // Opened, but this loop never lets it read.
    const reader = openReader(port.address())
    await until(() => port.hasReader())
    let taken = 0
    for (let one = 1; one > 0; taken += one) one = port.write(Buffer.alloc(10_000))
    // TCP's own buffers hold megabytes.
    expect(taken).toBeLessThan(kind === 'pty' ? 100_000 : 50_000_000)
    await until(() => reader.bytes().length === taken)
    reader.close()
    port.unplug()
  })

  it('ends for the reader when it is unplugged, and comes back at the same address', async () => {
    const port = makers[kind]!()
    await port.plug()
    const address = port.address()
    const reader = openReader(address)
    await until(() => port.hasReader())
    port.unplug()
    await until(() => reader.ended())
    reader.close()
    expect(port.hasReader()).toBe(false)
    await port.plug()
    expect(port.address()).toEqual(address)
    const again = openReader(address)
    await until(() => port.hasReader())
    port.write(Buffer.from('back'))
    await until(() => again.bytes().toString() === 'back')
    again.close()
    port.unplug()
  })
})

it('a pty port is a link with a stable name, gone while unplugged', async () => {
  const port = createPtyPort(dir, 'stable')
  await port.plug()
  expect(readlinkSync(join(dir, 'stable'))).toMatch(/^\/dev\/pts\/\d+$/)
  port.unplug()
  expect(existsSync(join(dir, 'stable'))).toBe(false)
})

it('a pty port leaves no descriptor behind', async () => {
  const count = () => readFileSync('/proc/self/stat', 'utf8').length > 0 && openDescriptors()
  const port = createPtyPort(dir, 'tidy')
  await port.plug()
  port.unplug()
  await sleep(20)
  const before = count()
  for (let k = 0; k < 20; k++) {
    await port.plug()
    port.unplug()
  }
  await sleep(50)
  expect(count()).toBe(before)
})

function openDescriptors(): number {
  let open = 0
  for (let fd = 0; fd < 200; fd++) if (existsSync(`/proc/self/fd/${fd}`)) open++
  return open
}
