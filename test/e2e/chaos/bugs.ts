/**
 * Bugs planted into the real processes: the harness must catch each of them, or it proves nothing. `planted.ts` changes one
 * place of one source file while it is loaded; the rest of the process is as it is.
 */

/** What every finding about the verdict of `verify` begins with. */
export const verifySays = 'verify: '
/** And about retained copies. */
export const copiesSay = 'retained copies: '

export interface PlantedBug {
  says: string
  /** The program that gets it, and the end of the path of the file. */
  program: string
  file: string
  /** Stands there exactly once. */
  from: string
  to: string
  /** Begins the finding that must be red; else any may be. */
  seenBy?: string
}

export const bugs = {
  'no-deduplication': {
    says: 'prepare forgets which numbers it has seen',
    program: '@millrace/cloud-processor/main',
    file: 'cloud-processor/src/prepare/state/stream.ts',
    from: `if (number < stream.floor) return 'repeat'`,
    to: `return 'new'`,
  },
  'receipt-before-append': {
    says: 'the bridge receipts a batch when it came, and appends it 50 ms later',
    program: '@millrace/cloud-processor/main',
    file: 'cloud-processor/src/bridge/bridge.ts',
    from: 'const byPartition = new Map<number, NewRecord[]>()',
    to: `for (const message of group) receipt(message)
    receipts.flush()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const byPartition = new Map<number, NewRecord[]>()`,
  },
  'free-before-receipt': {
    says: 'the agent frees a batch when it was sent',
    program: '@millrace/edge-agent/main',
    file: 'edge-agent/src/uplink/sender.ts',
    from: 'if (options.receipts) return\n    inFlight.forget(entry)',
    to: 'inFlight.forget(entry)',
  },
  'copy-as-reading': {
    says: 'a retained copy counts as measured when it arrives',
    program: '@millrace/cloud-processor/main',
    file: 'cloud-processor/src/prepare/plain/plain.ts',
    from: 'isRetained ? noTime : receivedMs',
    to: 'receivedMs',
    seenBy: copiesSay,
  },
  'lost-under-gap': {
    says: 'the store counts the first samples of every start of an agent, beside a gap, and does not keep them',
    program: '@millrace/cloud-processor/main',
    file: 'cloud-processor/src/stores/embedded/readings.ts',
    from: 'else putSeriesSegments(out, piece.series.id, piece.segments!)',
    to: 'else if (stream.stored[1] > 100) putSeriesSegments(out, piece.series.id, piece.segments!)',
    seenBy: verifySays,
  },
} as const satisfies Record<string, PlantedBug>

export type Bug = keyof typeof bugs

/** Options of Node that plant the bug, where the program is the one that gets it. */
export function plant(program: string, bug: Bug | undefined): string[] {
  if (bug === undefined || bugs[bug].program !== program) return []
  return ['--import', new URL(`planted.ts?${bug}`, import.meta.url).href]
}
