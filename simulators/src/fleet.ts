/**
 * The fleet: scenario → instruments → lines → ports, with a manifest of what really went out. All devices share one timer;
 * each is served every 50 ms, a few frames at a time, and they take turns, so that not all write at once.
 */
import type { Clock } from '@millrace/contract/service'
import { systemClock } from '@millrace/contract/service'
import { type AgentDevice, agentDevice, assemble, type Bay } from './bays.ts'
import { createDevice, type Device, type DeviceOrder } from './device.ts'
import { createManifest, type DeviceTotals, type ManifestDevice } from './manifest/index.ts'
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
  /** Hears of each event of the story when it begins; `link-cut` is to be carried out there. */
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
  const { clock = systemClock, speed = 1, seed = scenario.seed, durationS = Number.POSITIVE_INFINITY } = options
  const bays = assemble({ ...scenario, seed }, options.portsDir)
  const manifest = createManifest(options.manifest, {
    scenario: scenario.name,
    seed,
    startedMs: clock.now(),
    devices: bays.map(describe),
  })
  const devices = bays.map((bay) => createDevice(bay.id, bay.instrument, bay.port, manifest, storyOf(scenario, bay.id)))
  for (const device of devices) await device.plug()

  const startedMs = clock.monotonic()
  const elapsedS = () => ((clock.monotonic() - startedMs) / 1000) * (speed === 'max' ? 1 : speed)
  const tell = teller(scenario, options.onEvent)
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  let cancel = () => {}
  let flushedMs = startedMs
  let turn = 0
  let stopping: Promise<void> | undefined

  function serve(): void {
    if (elapsedS() >= durationS || devices.every((device) => device.ended())) return end()
    const busy = speed === 'max' ? pumpAll(devices, clock) : paceTurn()
    tell(elapsedS())
    if (clock.monotonic() - flushedMs >= manifestMs) {
      flushedMs = clock.monotonic()
      manifest.flush()
    }
    cancel = clock.after(speed === 'max' ? (busy ? 0 : 1) : periodMs / turns, serve)
  }

  function paceTurn(): boolean {
    turn = (turn + 1) % turns
    for (let k = turn; k < devices.length; k += turns) devices[k]!.keepPace(elapsedS(), clock.now())
    return true
  }

  function end(): void {
    cancel()
    manifest.flush()
    finish()
  }

  async function close(): Promise<void> {
    end()
    await new Promise<void>((resolve) => clock.after(speed === 'max' ? lingerMs.max : lingerMs.paced, resolve))
    for (const device of devices) device.close()
    manifest.end()
  }

  serve()
  return {
    devices: bays.map((bay) => ({ ...describe(bay), address: bay.port.address() })),
    agentDevices: bays.map(({ id, instrument, port }) => agentDevice(id, instrument, port.address())),
    totals: manifest.totals,
    done,
    order(id, order) {
      const device = devices.find((one) => one.id === id)
      if (!device) throw new Error(`there is no device ${id}`)
      if (!device.obey(order, clock.now())) throw new Error(`${id} cannot ${order.act}`)
    },
    stop() {
      stopping ??= close()
      return stopping
    },
  }
}

function pumpAll(devices: Device[], clock: Clock): boolean {
  let busy = false
  for (const device of devices) busy = device.pump(clock.now()) || busy
  return busy
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
