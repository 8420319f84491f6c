/**
 * One device of the fleet: an instrument, the story of what happens to it, and its line. Its time is counted in frames, so
 * that story and signals fall together the same way in every run of a seed, whatever the timers do.
 */
import { createFaults } from './faults.ts'
import type { Emission, Instrument, Order } from './instruments/index.ts'
import { createLine, type LineState } from './line.ts'
import type { ManifestWriter } from './manifest/index.ts'
import type { Port } from './ports/index.ts'

/** What can be done to a device, by the story or by a command. */
export type DeviceOrder = Order | { act: 'unplug' } | { act: 'plug' } | { act: 'garbage'; bytes: number }

export interface DueOrder {
  /** Seconds of the device's own time. */
  atS: number
  order: DeviceOrder
}

export interface Device {
  id: string
  instrument: Instrument
  port: Port
  plug(): Promise<void>
  /** Sends all that is due at `deviceS`; what finds no room is lost, as on a real line. `wallMs` is the wall clock. */
  keepPace(deviceS: number, wallMs: number): void
  /** Sends what finds room and loses nothing: a recording as fast as it is read. True when something went out. */
  pump(wallMs: number): boolean
  /** False where the device cannot do that. */
  obey(order: DeviceOrder, wallMs: number): boolean
  /** The recording is over and sent. */
  ended(): boolean
  /** Pulls the plug and writes down the faults that still last. */
  close(): void
}

/** Bytes that `pump` offers at once. */
const pumpBytes = 4096
/**
 * At most so many readings of one channel a millisecond, on average: their times are whole milliseconds and none may share
 * one, so a faster reader would have to refuse some.
 */
const readingsPerMs = 0.5
/** A device that was suspended for longer does not make up for it. */
const catchUpS = 10

export function createDevice(
  id: string,
  instrument: Instrument,
  port: Port,
  manifest: ManifestWriter,
  story: Iterator<DueOrder>,
): Device {
  const faults = createFaults(id, manifest)
  const garbage: Uint8Array[] = []
  const queue: Emission[] = []
  let due = story.next()
  let state: LineState = 'unplugged'
  let nowMs = 0
  /** How often the instrument was asked. */
  let moments = 0
  let skippedS = 0
  let over = false
  let lossless = false
  let badBefore = false
  let pumpedSinceMs: number | undefined
  /** Readings by channel while pumped. */
  const pumped = new Map<string, number>()

  const line = createLine(port, {
    sent(emission) {
      manifest.produced(id, emission, nowMs)
      badBefore = isGarbage(emission)
      if (badBefore) faults.note('garbage', nowMs, emission.bytes.length)
      else faults.end('overrun', nowMs)
    },
    torn: (emission) => (lossless ? queue.unshift(emission) : lose(emission)),
  })
  const lose = (emission: Emission) =>
    faults.lose(state === 'open' ? 'overrun' : state === 'unread' ? 'unread' : 'unplug', emission, nowMs)

  function look(): void {
    const before = state
    state = line.look(nowMs)
    if (before === 'unread' && state !== 'unread') faults.end('unread', nowMs)
    if (before === 'open' && state !== 'open') faults.end('overrun', nowMs)
  }

  function send(): number {
    const taken = state === 'open' && queue.length > 0 ? line.send(queue) : 0
    queue.splice(0, taken)
    return taken
  }

  function sendOrLose(): void {
    send()
    for (const emission of queue.splice(0)) lose(emission)
  }

  /** What the story has up to this time. */
  function actUntil(atS: number): void {
    for (; !due.done && due.value.atS <= atS; due = story.next()) act(due.value.order)
  }

  /** Puts the instrument's next moment into the queue, after what the story has before it. Returns its bytes. */
  function step(): number {
    actUntil(moments / instrument.rateHz)
    const emissions = instrument.next() ?? []
    over = emissions.length === 0
    moments++
    // Two stretches of garbage in a row would be one to the decoder: a good frame goes between.
    const last = queue.at(-1)
    if (!over && garbage.length > 0 && !(last ? isGarbage(last) : badBefore))
      emissions.unshift({ bytes: garbage.shift()!, frames: 0, bad: 1, readings: [], samples: [] })
    queue.push(...emissions)
    if (lossless)
      for (const { readings } of emissions) for (const [channel] of readings) pumped.set(channel, (pumped.get(channel) ?? 0) + 1)
    return sizeOf(emissions)
  }

  function isTooFast(): boolean {
    pumpedSinceMs ??= nowMs
    return Math.max(0, ...pumped.values()) > (nowMs - pumpedSinceMs) * readingsPerMs
  }

  function act(order: DeviceOrder): boolean {
    if (order.act === 'garbage') garbage.push(instrument.garbage(order.bytes))
    else if (order.act === 'plug') void plug()
    else if (order.act === 'unplug') unplug()
    else if (!instrument.obey(order)) return false
    else if (order.act === 'probe-off') faults.begin('probe-off', nowMs)
    else if (order.act === 'probe-on') faults.end('probe-off', nowMs)
    return true
  }

  async function plug(): Promise<void> {
    if (state !== 'unplugged') return
    await line.plug()
    faults.end('unplug', nowMs)
    look()
  }

  function unplug(): void {
    if (state === 'unplugged') return
    sendOrLose()
    for (const kind of ['overrun', 'unread'] as const) faults.end(kind, nowMs)
    line.unplug()
    state = 'unplugged'
    faults.begin('unplug', nowMs)
  }

  return {
    id,
    instrument,
    port,
    plug,
    ended: () => over && queue.length === 0,
    keepPace(deviceS, wallMs) {
      nowMs = wallMs
      look()
      const behindS = deviceS - skippedS - moments / instrument.rateHz
      const waits = instrument.waits && moments === 0 && state !== 'open'
      skippedS += waits ? behindS : Math.max(0, behindS - catchUpS)
      if (waits) return
      while (!over && moments / instrument.rateHz <= deviceS - skippedS) step()
      actUntil(deviceS - skippedS)
      sendOrLose()
    },
    pump(wallMs) {
      nowMs = wallMs
      lossless = true
      look()
      if (state !== 'open') return false
      for (let bytes = sizeOf(queue); !over && bytes < pumpBytes && !isTooFast(); ) bytes += step()
      return send() > 0
    },
    obey(order, wallMs) {
      nowMs = wallMs
      return act(order)
    },
    close() {
      line.unplug()
      faults.close()
    },
  }
}

function isGarbage({ frames, bad }: Emission): boolean {
  return frames === 0 && bad > 0
}

function sizeOf(queue: Emission[]): number {
  return queue.reduce((sum, emission) => sum + emission.bytes.length, 0)
}
