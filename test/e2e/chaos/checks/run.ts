/** One run of the chaos test, as the checks find it. */
import type { Busy } from '../busy.ts'
import type { Faults } from '../faults.ts'
import type { Look } from '../freshness.ts'
import type { Installation } from '../installation.ts'
import type { Ledgers } from '../observer.ts'
import type { Window } from '../quiet.ts'

export interface Run {
  installation: Installation
  ledgers: Ledgers
  faults: Faults
  windows: Window[]
  last: Window
  seconds: number
  startedMs: number
  /** When the devices were switched off. */
  endMs: number
  /** What was to be seen while it ran; of the distributed installation. */
  seen?: { looks: Look[]; busy: Busy }
}
