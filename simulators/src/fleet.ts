/**
 * The fleet: scenario → instruments → lines → ports, with a manifest of what really went out. All devices share one timer;
 * each is served every 50 ms, a few frames at a time, and they take turns, so that not all write at once.
 */
import { type Clock, systemClock } from '@millrace/platform'
import { type AgentDevice, agentDevice, assemble, type Bay } from './bays.ts'
import { Device, type DeviceOrder } from './device.ts'
import { createManifest, type DeviceTotals, type ManifestDevice, type ManifestWriter } from './manifest/index.ts'
import type { PortAddress } from './ports/index.ts'
import { eventsOf, type Scenario, type StoryEvent, storyOf } from './scenario.ts'

export interface FleetOptions {
  /** Folder of the links to the pseudo-terminals. */
  portsDir: string
  /** Where to write the manifest; without it only totals are kept. */
  manifest?: string
  /** Instead of the scenario's. */
  seed?: number
  /** Device time over real time, or `max`: as fast as the readers take it, losing nothing (for recordings). Default 1. */
  speed?: number | 'max'
  /** Stop by itself after so many seconds of device time. */
  durationS?: number
  clock?: Clock
  /** Called with each event of the story when it begins; the caller carries out `link-cut`. */
  onEvent?: (event: StoryEvent) => void
}

export interface FleetDevice extends ManifestDevice {
  address: PortAddress
}

export interface Fleet {
  devices: FleetDevice[]
  /** What the agent's configuration must say to read it. */
  agentDevices: AgentDevice[]
  /** @throws Error where there is no such device, or it cannot do that. */
  order(device: string, order: DeviceOrder): void
  totals(): Record<string, DeviceTotals>
  /** Sends nothing more, writes the manifest's last line, leaves readers a moment to read, and takes the ports away. */
  stop(): Promise<void>
  /** Resolves when nothing more will be sent: stopped, `durationS` over, or all recordings at their end. Ports stay until `stop`. */
  done: Promise<void>
}

const periodMs = 50
const turns = 5
const manifestMs = 1000
/** How long readers have to empty the lines before the ports go: full ones, at `max`. */
const lingerMs = { paced: 500, max: 2000 }

/** @throws MillraceError CONFIG_INVALID, RECORDING_INVALID, SIMULATOR_PTY. */
export async function startFleet(scenario: Scenario, options: FleetOptions): Promise<Fleet> {
  const { clock = systemClock, seed = scenario.seed } = options
  const bays = assemble({ ...scenario, seed }, options.portsDir)
  const manifest = createManifest(options.manifest, {
    scenario: scenario.name,
    seed,
    startedMs: clock.now(),
    devices: bays.map(describe),
  })
  const devices = bays.map((bay) => new Device({ ...bay, manifest, story: storyOf(scenario, bay.id) }))
  for (const device of devices) await device.plug()
  const tell = teller(scenario, options.onEvent)
  const run = new Run({ devices, manifest, tell, clock, speed: options.speed ?? 1, durationS: options.durationS })
  return {
    devices: bays.map((bay) => ({ ...describe(bay), address: bay.port.address() })),
    agentDevices: bays.map(({ id, instrument, port }) => agentDevice(id, instrument, port.address())),
    totals: manifest.totals,
    done: run.done,
    order(id, order) {
      const device = devices.find((one) => one.id === id)
      if (!device) throw new Error(`unknown device ${id}`)
      if (!device.obey(order, clock.now())) throw new Error(`${id} cannot ${order.act}`)
    },
    stop: () => run.stop(),
  }
}

interface RunParts {
  devices: Device[]
  manifest: ManifestWriter
  tell(elapsedS: number): void
  clock: Clock
  speed: number | 'max'
  durationS: number | undefined
}

/** The timer that serves all devices, from its making until it is stopped or all is sent. */
class Run {
  readonly done: Promise<void>
  readonly #parts: RunParts
  readonly #finish: () => void
  readonly #startedMs: number
  #flushedMs: number
  #turn = 0
  #cancel = () => {}
  #stopping: Promise<void> | undefined

  constructor(parts: RunParts) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#parts = parts
    this.done = promise
    this.#finish = resolve
    this.#startedMs = parts.clock.monotonic()
    this.#flushedMs = this.#startedMs
    this.#serve()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close()
    return this.#stopping
  }

  #serve(): void {
    const { devices, tell, clock, speed, durationS = Number.POSITIVE_INFINITY } = this.#parts
    if (this.#elapsedS() >= durationS || devices.every((device) => device.ended())) return this.#end()
    const isBusy = speed === 'max' ? this.#pumpAll() : this.#takeTurn()
    tell(this.#elapsedS())
    this.#flush()
    this.#cancel = clock.after(speed === 'max' ? (isBusy ? 0 : 1) : periodMs / turns, () => this.#serve())
  }

  #elapsedS(): number {
    const { clock, speed } = this.#parts
    return ((clock.monotonic() - this.#startedMs) / 1000) * (speed === 'max' ? 1 : speed)
  }

  #pumpAll(): boolean {
    const { devices, clock } = this.#parts
    let isBusy = false
    for (const device of devices) isBusy = device.pump(clock.now()) || isBusy
    return isBusy
  }

  #takeTurn(): boolean {
    const { devices, clock } = this.#parts
    this.#turn = (this.#turn + 1) % turns
    for (let k = this.#turn; k < devices.length; k += turns) devices[k]!.keepPace(this.#elapsedS(), clock.now())
    return true
  }

  #flush(): void {
    const now = this.#parts.clock.monotonic()
    if (now - this.#flushedMs < manifestMs) return
    this.#flushedMs = now
    this.#parts.manifest.flush()
  }

  #end(): void {
    this.#cancel()
    this.#parts.manifest.flush()
    this.#finish()
  }

  async #close(): Promise<void> {
    const { devices, manifest, clock, speed } = this.#parts
    this.#end()
    await new Promise<void>((resolve) => clock.after(speed === 'max' ? lingerMs.max : lingerMs.paced, resolve))
    for (const device of devices) device.close()
    manifest.end()
  }
}

function describe({ id, instrument: { kind, config, channels } }: Bay): ManifestDevice {
  return { device: id, kind, config, channels }
}

function teller(scenario: Scenario, onEvent: (event: StoryEvent) => void = () => {}): (elapsedS: number) => void {
  const events = eventsOf(scenario)
  let next = events.next()
  return (elapsedS) => {
    for (; !next.done && next.value.atS <= elapsedS; next = events.next()) onEvent(next.value)
  }
}
