/**
 * One device of the fleet: an instrument, the story of what happens to it, and its line. Its time is counted in frames, so
 * that story and signals coincide in the same way in every run of a seed, whatever the timers do.
 */
import { createFaults, type Faults } from './faults.ts'
import type { Emission, Instrument, Order } from './instruments/index.ts'
import { Line, type LineState } from './line.ts'
import type { ManifestWriter } from './manifest/index.ts'
import type { Port } from './ports/index.ts'

/** What can be done to a device, by the story or by a command. */
export type DeviceOrder = Order | { act: 'unplug' } | { act: 'plug' } | { act: 'garbage'; bytes: number }

export interface DueOrder {
  /** Seconds of the device's own time. */
  atS: number
  order: DeviceOrder
}

export interface DeviceParts {
  id: string
  instrument: Instrument
  port: Port
  manifest: ManifestWriter
  story: Iterator<DueOrder>
}

/** Bytes that `pump` offers at once. */
const pumpBytes = 4096
/**
 * At most so many values of one channel a millisecond, on average: the agent gives no millisecond twice, so of a faster line it
 * would have to reject some. A waveform of more than 1,000 samples a second has finer times.
 */
const valuesPerMs = { readings: 0.5, samples: 0.8 }
/** A device that was suspended for longer does not make up for it. */
const catchUpS = 10

export class Device {
  readonly id: string
  readonly #instrument: Instrument
  readonly #manifest: ManifestWriter
  readonly #story: Iterator<DueOrder>
  readonly #line: Line
  readonly #faults: Faults
  /** Garbage that waits for its place between two good frames. */
  readonly #garbage: Uint8Array[] = []
  /** Emitted, not yet on the line. */
  readonly #queue: Emission[] = []
  #due: IteratorResult<DueOrder>
  #state: LineState = 'unplugged'
  #nowMs = 0
  /** How often the instrument was asked. */
  #moments = 0
  #skippedS = 0
  #isOver = false
  #isLossless = false
  /** The newest on the line is garbage. */
  #isBadBefore = false
  #pumpedSinceMs: number | undefined
  /** By channel: how long what was pumped of it takes at most so many values a millisecond. */
  readonly #pumpedMs = new Map<string, number>()

  constructor({ id, instrument, port, manifest, story }: DeviceParts) {
    this.id = id
    this.#instrument = instrument
    this.#manifest = manifest
    this.#story = story
    this.#due = story.next()
    this.#faults = createFaults(id, manifest)
    this.#line = new Line(port, {
      sent: (emission) => this.#sent(emission),
      torn: (emission) => (this.#isLossless ? this.#queue.unshift(emission) : this.#lose(emission)),
    })
  }

  async plug(): Promise<void> {
    if (this.#state !== 'unplugged') return
    await this.#line.plug()
    this.#faults.end('unplug', this.#nowMs)
    this.#look()
  }

  /** Sends all that is due at `deviceS`; what finds no room is lost, as on a real line. `wallMs` is the wall clock. */
  keepPace(deviceS: number, wallMs: number): void {
    this.#nowMs = wallMs
    this.#look()
    const behindS = deviceS - this.#skippedS - this.#ownS()
    const waits = this.#instrument.waits && this.#moments === 0 && this.#state !== 'open'
    this.#skippedS += waits ? behindS : Math.max(0, behindS - catchUpS)
    if (waits) return
    while (!this.#isOver && this.#ownS() <= deviceS - this.#skippedS) this.#step()
    this.#actUntil(deviceS - this.#skippedS)
    this.#sendOrLose()
  }

  /** Sends what finds room and loses nothing: a recording as fast as it is read. True when something went out. */
  pump(wallMs: number): boolean {
    this.#nowMs = wallMs
    this.#isLossless = true
    this.#look()
    if (this.#state !== 'open') return false
    for (let bytes = sizeOf(this.#queue); !this.#isOver && bytes < pumpBytes && !this.#isTooFast(); ) bytes += this.#step()
    return this.#send() > 0
  }

  /** False where the device cannot do that. */
  obey(order: DeviceOrder, wallMs: number): boolean {
    this.#nowMs = wallMs
    return this.#act(order)
  }

  /** The recording is over and sent. */
  ended(): boolean {
    return this.#isOver && this.#queue.length === 0
  }

  /** Pulls the plug and records the faults that still last. */
  close(): void {
    this.#line.unplug()
    this.#faults.close()
  }

  #ownS(): number {
    return this.#moments / this.#instrument.rateHz
  }

  #look(): void {
    const before = this.#state
    this.#state = this.#line.look(this.#nowMs)
    if (before === 'unread' && this.#state !== 'unread') this.#faults.end('unread', this.#nowMs)
    if (before === 'open' && this.#state !== 'open') this.#faults.end('overrun', this.#nowMs)
  }

  /** Puts the instrument's next moment into the queue, after what the story has before it. Returns its bytes. */
  #step(): number {
    this.#actUntil(this.#ownS())
    const emissions = this.#instrument.next() ?? []
    this.#isOver = emissions.length === 0
    this.#moments++
    if (this.#garbage.length > 0 && this.#isPlaceForGarbage())
      emissions.unshift({ bytes: this.#garbage.shift()!, frames: 0, bad: 1, readings: [], samples: [] })
    this.#queue.push(...emissions)
    if (this.#isLossless) this.#countPumped(emissions)
    return sizeOf(emissions)
  }

  /** Two stretches of garbage in a row would be one to the decoder: a good frame goes between. */
  #isPlaceForGarbage(): boolean {
    const last = this.#queue.at(-1)
    return !this.#isOver && !(last ? isGarbage(last) : this.#isBadBefore)
  }

  #countPumped(emissions: Emission[]): void {
    const count = (channel: string, ms: number) => this.#pumpedMs.set(channel, (this.#pumpedMs.get(channel) ?? 0) + ms)
    for (const { readings, samples } of emissions) {
      for (const [channel] of readings) count(channel, 1 / valuesPerMs.readings)
      for (const [channel] of samples) count(channel, Math.min(1, this.#intervalMs(channel)) / valuesPerMs.samples)
    }
  }

  #intervalMs(name: string): number {
    return this.#instrument.channels.find((channel) => channel.name === name)?.intervalMs ?? 1
  }

  #isTooFast(): boolean {
    this.#pumpedSinceMs ??= this.#nowMs
    return Math.max(0, ...this.#pumpedMs.values()) > this.#nowMs - this.#pumpedSinceMs
  }

  /** What the story has up to this time. */
  #actUntil(atS: number): void {
    for (; !this.#due.done && this.#due.value.atS <= atS; this.#due = this.#story.next()) this.#act(this.#due.value.order)
  }

  #act(order: DeviceOrder): boolean {
    if (order.act === 'garbage') this.#garbage.push(this.#instrument.garbage(order.bytes))
    else if (order.act === 'plug') void this.plug()
    else if (order.act === 'unplug') this.#unplug()
    else if (!this.#instrument.obey(order)) return false
    else if (order.act === 'probe-off') this.#faults.begin('probe-off', this.#nowMs)
    else if (order.act === 'probe-on') this.#faults.end('probe-off', this.#nowMs)
    return true
  }

  #unplug(): void {
    if (this.#state === 'unplugged') return
    this.#sendOrLose()
    for (const kind of ['overrun', 'unread'] as const) this.#faults.end(kind, this.#nowMs)
    this.#line.unplug()
    this.#state = 'unplugged'
    this.#faults.begin('unplug', this.#nowMs)
  }

  #send(): number {
    const taken = this.#state === 'open' && this.#queue.length > 0 ? this.#line.send(this.#queue) : 0
    this.#queue.splice(0, taken)
    return taken
  }

  #sendOrLose(): void {
    this.#send()
    for (const emission of this.#queue.splice(0)) this.#lose(emission)
  }

  #sent(emission: Emission): void {
    this.#manifest.produced(this.id, emission, this.#nowMs)
    this.#isBadBefore = isGarbage(emission)
    if (this.#isBadBefore) this.#faults.note('garbage', this.#nowMs, emission.bytes.length)
    else this.#faults.end('overrun', this.#nowMs)
  }

  #lose(emission: Emission): void {
    const kind = this.#state === 'open' ? 'overrun' : this.#state === 'unread' ? 'unread' : 'unplug'
    this.#faults.lose(kind, emission, this.#nowMs)
  }
}

function isGarbage({ frames, bad }: Emission): boolean {
  return frames === 0 && bad > 0
}

function sizeOf(queue: Emission[]): number {
  return queue.reduce((sum, emission) => sum + emission.bytes.length, 0)
}
