import { createMetrics, type Log, silentLog, systemClock } from '@millrace/platform'
import { afterEach, expect, it } from 'vitest'
import { PortUnavailable } from './bus/bus.ts'
import { openPty, type Pty } from './bus/serial/testing/pty.ts'
import { createDevice, type Device } from './device.ts'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** A device on a pseudo-terminal, started, and what it logs. */
async function start(
  decoder: { kind: string; [key: string]: unknown },
  bus: object = {},
): Promise<{ device: Device; pty: Pty; told: [string, unknown][] }> {
  const pty = openPty()
  const told: [string, unknown][] = []
  const log: Log = { ...silentLog, error: (message, fields) => void told.push([message, fields?.code]) }
  const config = { id: 'd', bus: { kind: 'serial', path: pty.path, ...bus }, decoder, filters: {} }
  const device = createDevice(config, { clock: systemClock, log, metrics: createMetrics(), given: [] })
  device.start()
  ending.push(
    () => pty.unplug(),
    () => device.stop(),
  )
  await until(() => device.status().isOpen)
  return { device, pty, told }
}

async function until(isSo: () => boolean, withinMs = 5000): Promise<number> {
  const fromMs = performance.now()
  while (!isSo()) {
    if (performance.now() - fromMs > withinMs) throw new Error(`not within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return performance.now() - fromMs
}

it.each([
  [{ kind: 'contec-cms50', framing: 'new' }, Buffer.from('$GPRMC,1\r\n'), '24 47 50 52'],
  [{ kind: 'nmea-0183', baudRate: 9600 }, Buffer.from('80c0f8fe80', 'hex'), '80 c0 f8 fe'],
  [{ kind: 'openbci-cyton' }, Buffer.from('Firmware'), '"Firmware'],
])('tells within two seconds that nothing is read of %j, with what was seen', async (decoder, bytes, seen) => {
  const { device, pty, told } = await start(decoder)
  const timer = setInterval(() => pty.offer(bytes), 100)
  ending.push(() => clearInterval(timer))
  await until(() => device.status().lastBytesMs > 0)
  expect(await until(() => told.length > 0)).toBeLessThan(2000)
  expect(told).toEqual([[expect.stringContaining(seen), 'EDGE_DEVICE_UNREADABLE']])
  expect(told[0]![0]).toContain(decoder.kind === 'nmea-0183' ? '9600 8N1' : '115200 8N1')
  expect(device.status()).toMatchObject({ state: 'unreadable', detail: told[0]![0] })
})

it('tells of it also when the device pauses, and takes it back when frames come', async () => {
  const { device, pty, told } = await start({ kind: 'nmea-0183', requireChecksum: false })
  pty.offer(Buffer.from('garbage'))
  await until(() => told.length > 0)
  pty.offer(Buffer.from('\n$GPGSV,1,1,07\n'))
  await until(() => device.status().detail === 'open')
  expect(told).toHaveLength(1)
})

it('tells that the board is another, with the remedy', async () => {
  const { device, pty, told } = await start({ kind: 'openbci-cyton' })
  const frame = Buffer.alloc(33)
  frame[0] = 0xa0
  frame[32] = 0xc0
  pty.offer(
    Buffer.concat([
      Buffer.from('On Board ADS1299 Device ID: 0x3E\nOn Daisy ADS1299 Device ID: 0x3E\n$$$'),
      frame,
      frame.with(1, 1),
    ]),
  )
  await until(() => told.length > 0)
  expect(told).toEqual([[expect.stringContaining('set board: cyton-daisy'), 'EDGE_DEVICE_REFUSED']])
  expect(device.status().detail).toBe(told[0]![0])
})

it('asks a device that must be asked, and reads its answers', async () => {
  const { device, pty } = await start({ kind: 'modbus-rtu', model: 'senseair-s8', everyMs: 100, timeoutMs: 200 })
  const answers = new Map([
    ['fe040000000125c5', 'fe04020000ad24'],
    ['fe0400030001d5c5', 'fe04020190acd8'],
  ])
  pty.far.on('data', (request: Buffer) => {
    const answer = answers.get(request.toString('hex'))
    if (answer) pty.offer(Buffer.from(answer, 'hex'))
  })
  const values = new Set<unknown>()
  await until(() => {
    for (const { columns } of device.drain()) for (const value of columns.channels.co2?.v ?? []) values.add(value)
    return values.size > 0
  })
  expect([...values]).toEqual([400])
})

it('says of a port that another program has locked that it is locked, in status and gap', async () => {
  const { pty } = await start({ kind: 'contec-cms50', framing: 'new' })
  const config = { id: 'e', bus: { kind: 'serial', path: pty.path }, decoder: { kind: 'contec-cms50' }, filters: {} }
  const second = createDevice(config, { clock: systemClock, log: silentLog, metrics: createMetrics(), given: [] })
  second.start()
  ending.push(() => second.stop())
  await until(() => second.status().reason !== undefined)
  expect(second.status()).toMatchObject({ isOpen: false, reason: 'locked' })
  const gaps = second.drain().flatMap(({ columns }) => columns.absences ?? [])
  expect(gaps).toMatchObject([{ reason: 'locked' }])
})

it.each([
  ['Error: Permission denied, cannot open /dev/ttyUSB0', 'no-permission'],
  ['Error Resource temporarily unavailable Cannot lock port', 'locked'],
  ['Error: Device or resource busy, cannot open /dev/ttyUSB0', 'locked'],
  ['Opening COM3: Access denied', 'no-permission'],
  ['Error: Input/output error, cannot open /dev/ttyUSB0', undefined],
])('%s: %s', (message, why) => {
  expect(new PortUnavailable('/dev/ttyUSB0', new Error(message)).why).toBe(why)
})

it('says in a word how a device is: silent until bytes come, though its line is opened again, and unplugged', async () => {
  const { device, pty } = await start({ kind: 'nmea-0183', requireChecksum: false }, { silentMs: 300 })
  expect(device.status().state).toBe('open')
  await until(() => device.status().state === 'silent')
  await until(() => device.status().isOpen)
  expect(device.status().state).toBe('silent')
  pty.offer(Buffer.from('$GPGSV,1,1,07\r\n'))
  await until(() => device.status().state === 'open')
  pty.unplug()
  await until(() => device.status().state === 'unplugged')
})
