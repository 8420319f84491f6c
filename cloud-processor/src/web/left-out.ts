/** What the page has no place for, counted, and for people over the last one or two minutes. */
import type { Clock, Counter, Metrics } from '@millrace/platform'
import type { WebConfig } from './config.ts'
import type { LeftOutView } from './wire.ts'

type Counts = Pick<LeftOutView, 'devices' | 'alarms'>

const windowMs = 60_000
const none = (): Counts => ({ devices: 0, alarms: 0 })

export class LeftOut {
  readonly #limits: Pick<WebConfig, 'devicesMax' | 'alarmsMax'>
  readonly #clock: Clock
  readonly #total: Counter
  #sinceMs: number
  #now = none()
  #before = none()

  constructor(limits: Pick<WebConfig, 'devicesMax' | 'alarmsMax'>, { clock, metrics }: { clock: Clock; metrics: Metrics }) {
    this.#limits = limits
    this.#clock = clock
    this.#sinceMs = clock.monotonic()
    this.#total = metrics.counter('millrace_web_left_out_total', 'Times the page had no place for a device or an alarm')
  }

  add(what: keyof Counts, count: number): void {
    if (count === 0) return
    this.#turn()
    this.#now[what] += count
    this.#total.add({ what }, count)
  }

  /** Undefined when there was a place for everything. */
  view(): LeftOutView | undefined {
    this.#turn()
    const devices = this.#now.devices + this.#before.devices
    const alarms = this.#now.alarms + this.#before.alarms
    const { devicesMax, alarmsMax } = this.#limits
    return devices + alarms > 0 ? { devices, alarms, devicesMax, alarmsMax } : undefined
  }

  #turn(): void {
    const passedMs = this.#clock.monotonic() - this.#sinceMs
    if (passedMs < windowMs) return
    this.#before = passedMs < 2 * windowMs ? this.#now : none()
    this.#now = none()
    this.#sinceMs = this.#clock.monotonic()
  }
}
