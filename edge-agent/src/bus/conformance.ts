/**
 * What every bus must do, as a test suite that each plug-in's test runs against a real device, or what is one to the kernel:
 *
 * - it opens, then brings the bytes in order, however the device cuts them, at times that do not fall;
 * - a device that is not there is told once, with a code, and opened when it comes;
 * - it stops within a second in every state and tells nothing afterwards;
 * - a live one writes to the device, tells an unplug once, and goes on when the device is back.
 */
import { silentLog, systemClock } from '@millrace/platform'
import { afterEach, describe, expect, it } from 'vitest'
import type { Bus, BusPlugin } from './bus.ts'
import { busPlugins } from './index.ts'
import { type Heard, listen } from './testing/listen.ts'

/** The other end. It is not plugged in at first. */
export interface Device {
  /** With it the bus finds this device. */
  config: object
  plugIn(): Promise<void>
  /** On a bus that is not live: before it starts. */
  send(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
  /** Of a live bus. */
  unplug?(): Promise<void>
  /** All that was written to the device since it was plugged in. */
  taken?(): Buffer
}

const stopMsMax = 1000
/** Long enough for a repeat to show: a line is tried again after 100 and 200 ms. */
const repeatMs = 400

export function describeBus<Config>(plugin: BusPlugin<Config>, openDevice: () => Promise<Device>): void {
  const ending: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  async function open(): Promise<Device> {
    const device = await openDevice()
    ending.push(() => device.close())
    return device
  }

  function start({ config }: Device): { bus: Bus; heard: Heard } {
    const bus = plugin.create(plugin.schema.parse(config), { clock: systemClock, log: silentLog })
    const heard = listen()
    bus.start(heard)
    ending.push(() => bus.stop())
    return { bus, heard }
  }

  describe(plugin.kind, () => {
    it('is in the list under its kind', () => expect(busPlugins[plugin.kind]).toBe(plugin))

    it('opens, and brings the bytes in order however they are cut', async () => {
      const device = await open()
      await device.plugIn()
      const chunks = chunksOf(20_000)
      if (!plugin.isLive) for (const chunk of chunks) await device.send(chunk)
      const { heard } = start(device)
      await heard.until('open', () => heard.events.includes('opened'))
      if (plugin.isLive) for (const chunk of chunks) await device.send(chunk)
      await heard.until('all of it', () => heard.received().length >= 20_000)
      expect(heard.received().equals(Buffer.concat(chunks))).toBe(true)
      expect(heard.events).toEqual(['opened'])
      expect(heard.timesMs).toEqual(heard.timesMs.toSorted((a, b) => a - b))
    })

    it('tells once, with a code, that the device is not there', async () => {
      const { heard } = start(await open())
      await heard.until('loss', () => heard.events.length > 0)
      await pass(repeatMs)
      expect(heard.events).toEqual(['lost:unplugged'])
      expect(heard.details[0]).toMatch(/^[A-Z][A-Z0-9_]+: ./)
    })

    it('stops in time while there is no device, and tells nothing afterwards', async () => {
      const device = await open()
      const [early, late] = [start(device), start(device)]
      await expectStop(early.bus)
      await late.heard.until('loss', () => late.heard.events.length > 0)
      await expectStop(late.bus)
      const told = early.heard.events.length
      await device.plugIn()
      await pass(repeatMs)
      expect(early.heard.events).toHaveLength(told)
      expect(late.heard.events).toEqual(['lost:unplugged'])
    })

    it('stops in time while it is open, tells nothing afterwards and leaves the device to the next', async () => {
      const device = await open()
      await device.plugIn()
      const { bus, heard } = start(device)
      await heard.until('open', () => heard.events.includes('opened'))
      await expectStop(bus)
      await device.send(Buffer.from('late'))
      await pass(repeatMs)
      expect([heard.events, heard.received().length]).toEqual([['opened'], 0])
      const next = start(device)
      await next.heard.until('open', () => next.heard.events.length > 0)
      expect(next.heard.events).toEqual(['opened'])
    })

    if (plugin.isLive) describeLive(open, start)
  })
}

function describeLive(open: () => Promise<Device>, start: (device: Device) => { bus: Bus; heard: Heard }): void {
  it('writes to the device, and drops what is written while there is none', async () => {
    const device = await open()
    const { bus, heard } = start(device)
    bus.write(Buffer.from('nobody'))
    await device.plugIn()
    await heard.until('open', () => heard.events.includes('opened'))
    bus.write(Uint8Array.of(0x7d, 0x81, 0x0d, 0x0a, 0x03, 0xff))
    await heard.until('command', () => device.taken!().length >= 6)
    expect(device.taken!().toString('hex')).toBe('7d810d0a03ff')
  })

  // Once in about fifty, on a busy machine, a serial port that was opened again gave nothing: an installation opens it again after
  // `silentMs`, which is off here.
  it('tells an unplug once, with the time of the last bytes, and goes on when the device is back', { retry: 1 }, async () => {
    const device = await open()
    await device.plugIn()
    const { bus, heard } = start(device)
    await heard.until('open', () => heard.events.includes('opened'))
    await device.send(Buffer.from('before'))
    await heard.until('bytes', () => heard.received().length === 6)
    const lastBytesMs = heard.timesMs.at(-1)
    await device.unplug!()
    await heard.until('loss', () => heard.events.length === 2)
    await pass(repeatMs)
    await device.plugIn()
    await heard.until('reopening', () => heard.events.length === 3)
    await device.send(Buffer.from('after'))
    await heard.until('bytes', () => heard.received().length === 11)
    expect(heard.received().toString()).toBe('beforeafter')
    expect(heard.events).toEqual(['opened', 'lost:unplugged', 'opened'])
    expect(heard.lostSinceMs).toEqual([lastBytesMs])
    await device.unplug!()
    await heard.until('second loss', () => heard.events.length === 4)
    await expectStop(bus)
  })
}

async function expectStop(bus: Bus): Promise<void> {
  const startTime = performance.now()
  await bus.stop()
  expect(performance.now() - startTime).toBeLessThan(stopMsMax)
}

/** Every byte value, in pieces of 1 to 997 bytes. */
function chunksOf(bytes: number): Buffer[] {
  const all = Buffer.from(Array.from({ length: bytes }, (_, k) => (k * 7 + (k >> 8)) & 0xff))
  const chunks: Buffer[] = []
  for (let from = 0, size = 1; from < bytes; from += size, size = (size * 31) % 998 || 1)
    chunks.push(all.subarray(from, from + size))
  return chunks
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
