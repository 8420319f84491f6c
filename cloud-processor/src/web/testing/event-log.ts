/** A log with nothing in it. */
import type { Log } from '../../log/log.ts'

export const emptyEventLog = {
  id: 'log-a',
  partitions: 1,
  bounds: async () => ({ start: 0, end: 0 }),
  read: async () => [],
} as unknown as Log
