/** Totals of devices that changed: written at most every so often, and once more when the timeline falls silent. */
import type { Clock } from '@millrace/platform'
import type { AccountState } from '../accounting/index.ts'
import type { SummaryLines } from './summaries.ts'

export class Totals {
  /** Device and version. */
  private readonly owed = new Map<string, number>()
  private readonly state: AccountState
  private readonly lines: SummaryLines
  private readonly clock: Clock
  private readonly everyMs: number
  private writtenMs = Number.NEGATIVE_INFINITY
  private isWaiting = false

  constructor({ state, lines, clock, everyMs }: { state: AccountState; lines: SummaryLines; clock: Clock; everyMs: number }) {
    this.state = state
    this.lines = lines
    this.clock = clock
    this.everyMs = everyMs
  }

  owe(changed: Map<string, number>): void {
    for (const [device, versionMs] of changed) this.owed.set(device, versionMs)
  }

  /** Lines of what is owed, when it is time. */
  due(): string[] {
    return this.clock.monotonic() - this.writtenMs >= this.everyMs ? this.take() : []
  }

  /** Lines of all that is owed. */
  take(): string[] {
    this.writtenMs = this.clock.monotonic()
    const lines = [...this.owed].map(([device, versionMs]) =>
      this.lines.total(device, this.state.devices.get(device)!, versionMs),
    )
    this.owed.clear()
    return lines
  }

  /** Calls once after `everyMs` when anything is owed now. */
  later(call: () => void): void {
    if (this.isWaiting || this.owed.size === 0) return
    this.isWaiting = true
    this.clock.after(this.everyMs, () => {
      this.isWaiting = false
      call()
    })
  }
}
