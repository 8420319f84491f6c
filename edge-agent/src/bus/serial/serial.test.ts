import { randomBytes } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '@millrace/platform'
import { afterAll, afterEach, expect, it } from 'vitest'
import type { Bus } from '../bus.ts'
import { describeBus } from '../conformance.ts'
import { type Heard, listen } from '../testing/listen.ts'
import { serial } from './serial.ts'
import { openPty, type Pty } from './testing/pty.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-serial-'))
const link = join(folder, 'device')
const context = { clock: systemClock, log: silentLog }
const ending: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
  rmSync(link, { force: true })
})

afterAll(() => rmSync(folder, { recursive: true }))

describeBus(serial, async () => {
  let pty: Pty | undefined
  let taken: Buffer[] = []
  return {
    config: { path: link, silentMs: 0 },
    async plugIn() {
      pty = plugIn()
      taken = []
      pty.far.on('data', (chunk) => taken.push(chunk))
    },
    unplug: async () => pty!.unplug(),
    send: (bytes) => pty!.send(bytes),
    taken: () => Buffer.concat(taken),
    close: async () => {},
  }
})

function plugIn(): Pty {
  const pty = openPty()
  symlinkSync(pty.path, `${link}.new`)
  renameSync(`${link}.new`, link)
  let isIn = true
  const unplug = () => {
    if (isIn) pty.unplug()
    isIn = false
  }
  ending.push(unplug)
  return { ...pty, unplug }
}

function start(given: object = {}): { bus: Bus; heard: Heard } {
  const bus = serial.create(serial.schema.parse({ path: link, silentMs: 0, ...given }), context)
  const heard = listen()
  bus.start(heard)
  ending.push(() => bus.stop())
  return { bus, heard }
}

it('brings 1 MiB through unchanged, and writes to the device', async () => {
  const pty = plugIn()
  const { bus, heard } = start({ baudRate: 19_200, parity: 'odd' })
  await heard.until('open', () => heard.events.includes('opened'))
  const sent = randomBytes(1 << 20)
  await pty.send(sent)
  await heard.until('1 MiB', () => heard.received().length >= sent.length, 10_000)
  expect(heard.received().equals(sent)).toBe(true)

  const asked: Buffer[] = []
  pty.far.on('data', (chunk) => asked.push(chunk))
  bus.write(Uint8Array.of(0x7d, 0x81, 0x0d, 0x0a, 0x03, 0xff))
  await heard.until('command', () => Buffer.concat(asked).length >= 6)
  expect(Buffer.concat(asked).toString('hex')).toBe('7d810d0a03ff')
})

it('discards on open what the kernel held from before', async () => {
  const pty = plugIn()
  const first = start()
  await first.heard.until('open', () => first.heard.events.includes('opened'))
  await first.bus.stop()
  pty.offer(Buffer.from('stale'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  const { heard } = start()
  await heard.until('open', () => heard.events.includes('opened'))
  pty.offer(Buffer.from('fresh'))
  await heard.until('bytes', () => heard.received().length >= 5)
  expect(heard.received().toString()).toBe('fresh')
})

it('tells an unplug, with the time of the last bytes, and opens the device again when it is back', async () => {
  const pty = plugIn()
  const { heard } = start()
  await heard.until('open', () => heard.events.includes('opened'))
  pty.offer(Buffer.from('before'))
  await heard.until('bytes', () => heard.received().length === 6)
  const lastBytesMs = Date.now()
  await new Promise((resolve) => setTimeout(resolve, 100))
  pty.unplug()
  await heard.until('unplug', () => heard.events.includes('lost:unplugged'))
  await new Promise((resolve) => setTimeout(resolve, 400))
  const again = plugIn()
  await heard.until('reopen', () => heard.events.length === 3)
  again.offer(Buffer.from('after'))
  await heard.until('bytes', () => heard.received().length === 11)
  expect(heard.received().toString()).toBe('beforeafter')
  expect(heard.events).toEqual(['opened', 'lost:unplugged', 'opened'])
  expect(Math.abs(heard.lostSinceMs[0]! - lastBytesMs)).toBeLessThan(60)
})

it('tells once that the device is not there, and opens it when it comes', async () => {
  const { heard } = start()
  await heard.until('lost', () => heard.events.includes('lost:unplugged'))
  await new Promise((resolve) => setTimeout(resolve, 400))
  plugIn()
  await heard.until('open', () => heard.events.includes('opened'))
  expect(heard.events).toEqual(['lost:unplugged', 'opened'])
})

it('opens a silent port again, and tells the silence once', async () => {
  const pty = plugIn()
  const { heard } = start({ silentMs: 300 })
  await heard.until('two reopenings', () => heard.events.filter((event) => event === 'opened').length === 3)
  pty.offer(Buffer.from('x'))
  await heard.until('bytes', () => heard.received().length === 1)
  expect(heard.events).toEqual(['opened', 'lost:silent', 'opened', 'opened'])
})

it('discards what came while this process was stopped', async () => {
  const pty = plugIn()
  const { heard } = start()
  await heard.until('open', () => heard.events.includes('opened'))
  // Neither timers nor reads run for 1.5 s, as when the process is stopped; the device goes on.
  const end = performance.now() + 1500
  let sent = 0
  while (performance.now() < end) if (sent < 50) sent += pty.offer(Buffer.from('x'))
  await heard.until('stall', () => heard.events.length === 3)
  pty.offer(Buffer.from('fresh'))
  await heard.until('bytes', () => heard.received().length > 0)
  expect(sent).toBe(50)
  expect(heard.events).toEqual(['opened', 'lost:stalled', 'opened'])
  expect(heard.received().toString()).toBe('fresh')
})

it('looks for a USB device by what it is, and says how when it is not there', async () => {
  const { heard } = start({ path: undefined, usb: 'FFFF:FFFE:nobody' })
  await heard.until('lost', () => heard.events.includes('lost:unplugged'))
  expect(serial.schema.safeParse({ path: '/dev/x', usb: '0403:6015' }).success).toBe(false)
  expect(serial.schema.safeParse({}).success).toBe(false)
})

it('does not call a port unplugged that another program has locked, and opens it when it is free', async () => {
  plugIn()
  const holder = start()
  await holder.heard.until('open', () => holder.heard.events.includes('opened'))
  const { heard } = start()
  await heard.until('lost', () => heard.events.length > 0)
  expect(heard.events).toEqual(['lost:unavailable'])
  expect(heard.details[0]).toMatch(/^EDGE_SERIAL_UNAVAILABLE: The port .* is there but cannot be opened \(.*lock/)
  await holder.bus.stop()
  await heard.until('open', () => heard.events.includes('opened'))
  expect(heard.events).toEqual(['lost:unavailable', 'opened'])
})

it('tells that a locked port was unplugged', async () => {
  const pty = plugIn()
  const holder = start()
  await holder.heard.until('open', () => holder.heard.events.includes('opened'))
  const { heard } = start()
  await heard.until('lost', () => heard.events.length > 0)
  pty.unplug()
  await heard.until('unplug', () => heard.events.length > 1)
  expect(heard.events).toEqual(['lost:unavailable', 'lost:unplugged'])
})

it('tells an unplug within a second, also one in the middle of a read', { timeout: 60_000 }, async () => {
  for (let round = 0; round < 40; round++) {
    const pty = plugIn()
    const { bus, heard } = start()
    await heard.until('open', () => heard.events.includes('opened'))
    pty.offer(Buffer.from('x'))
    await heard.until('bytes', () => heard.received().length > 0)
    pty.offer(Buffer.from('y'))
    pty.unplug()
    await heard.until(`unplug of round ${round}`, () => heard.events.includes('lost:unplugged'), 1000)
    await bus.stop()
  }
})
