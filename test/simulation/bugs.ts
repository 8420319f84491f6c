/** Bugs planted on purpose: the harness must catch each of them, or it proves nothing. */
export const bugs = {
  'receipt-before-append': 'the bridge receipts a batch before it is durable',
  'no-fsync': 'the outbox says durable without a sync',
  'no-deduplication': 'prepare forgets which numbers it has seen',
  'free-before-receipt': 'the agent frees a batch when it was sent',
  'stream-reused': 'the agent takes the same stream id again after a lost tail',
  'mark-before-rows': 'the store commits its mark before the rows',
  'sends-past-failure': 'a stage goes on after an output that failed',
  'lost-under-gap': 'the store counts what lies beside a gap, and does not keep it',
  'same-millisecond': 'the agent does not know after a start which times it gave',
  'marks-merged': 'marks are not kept for each source partition',
  'backlog-never': 'the bridge takes no backlog while live data lags',
} as const

/** Those of several processors on one log. */
export const sharedBugs = {
  'snapshot-early': 'a snapshot is written before the outputs up to it are durable',
  'repeats-not-silenced': 'readers keep no marks: what a zombie makes again counts again',
  'one-mark': 'readers keep one mark for a partition, not one for each source',
  'foreign-snapshot': 'a takeover goes on from the snapshot of another partition',
  'sends-unsure': 'a notifier sends though others may have taken its place',
  'takes-too-soon': 'a process takes what two must not hold before whoever held it can have noticed',
  'goes-on-past-unknown': 'a stage goes on after outputs of which it does not know whether they are there',
  'trusts-the-other': 'a bridge receipts what it believes another one to append',
  'store-not-exclusive': 'two processes write one partition into a store without transactions',
  'stop-waits-for-log': 'a process that is told to stop waits until the log answers, which may never be',
} as const

/** What some bugs need around them, without the bug: must stay green. */
export const controls = {
  'lying-disk': 'the disk of the outbox loses what it said was synced, as for stream-reused',
} as const

export const sharedControls = {
  'all-work': 'membership is wrong all the time: every process works on every partition, leads and takes every node',
} as const

export type Bug = keyof typeof bugs | keyof typeof sharedBugs | keyof typeof controls | keyof typeof sharedControls
