/** The boot of the machine: its monotonic clock counts from there, across restarts of the agent. */
import { randomUUID } from 'node:crypto'
import { bootId, type Clock } from '@millrace/platform'

export interface Boot {
  id: string
  /** The boot's monotonic time at which the process's own was 0. */
  atMs: number
}

/** Where the system does not name its boots, each run of the agent counts as one. */
export function readBoot(clock: Clock): Boot {
  return { id: bootId() ?? randomUUID(), atMs: Number(process.hrtime.bigint()) / 1e6 - clock.monotonic() }
}
