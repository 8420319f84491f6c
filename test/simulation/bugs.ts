/** Bugs planted on purpose: the harness must catch each of them, or it proves nothing. */
export const bugs = {
  'receipt-before-append': 'the bridge receipts a batch before it is durable',
  'no-fsync': 'the outbox says durable without a sync',
  'no-deduplication': 'prepare forgets which numbers it has seen',
  'free-before-receipt': 'the agent frees a batch when it was sent',
  'stream-reused': 'the agent takes the same stream id again after a lost tail',
  'mark-before-rows': 'the store commits its mark before the rows',
  'sends-past-failure': 'a stage goes on after an output that failed',
  'marks-merged': 'marks are not kept for each source partition',
} as const

/** What some bugs need around them, without the bug: must stay green. */
export const controls = {
  'lying-disk': 'the disk of the outbox loses what it said was synced, as for stream-reused',
} as const

export type Bug = keyof typeof bugs | keyof typeof controls
