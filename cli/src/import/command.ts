/** `millrace import`: a job from its file to what became of it. */
import { prepareSchema } from '@millrace/cloud-processor/prepare'
import { createLog, createMetrics, systemClock } from '@millrace/platform'
import type { Api } from '../api.ts'
import { apiOf } from '../asking.ts'
import { nodeOptionsOf } from './connection.ts'
import type { Bounds } from './convert.ts'
import { DryRun } from './dry-run.ts'
import { type Job, loadJob } from './job.ts'
import { type ImportNode, openImportNode } from './node.ts'
import { Progress } from './progress.ts'
import { type Outcome, runJob } from './run.ts'
import { type Account, accountOf, keptFromMs, ownersOf } from './store.ts'

type Options = Parameters<typeof apiOf>[0] & { 'dry-run': boolean; unchecked: boolean }

export interface Done extends Outcome {
  /** The processor has all of it in its log. */
  isSent: boolean
  /** What it says became of it; absent: it was not asked, or has not settled it yet. */
  account?: Account | undefined
  /** Of a dry run. */
  first?: unknown[]
}

/** What a processor takes whose configuration says nothing else. */
const { pastMsMin, futureMsMax } = prepareSchema.parse({})

/** @throws MillraceError */
export async function importJob(path: string, options: Options): Promise<Done> {
  const job = loadJob(path)
  const api = options.unchecked ? undefined : apiOf(options)
  const progress = new Progress(process.stderr)
  const state = stopping()
  const run = { bounds: await boundsOf(job, api), isStopped: () => state.isAsked }
  if (options['dry-run']) {
    const dry = new DryRun(progress)
    const outcome = await runJob(job, { ...run, owners: new Map(), target: dry, onBlock: dry.block.bind(dry) })
    return { ...outcome, isSent: true, first: dry.first }
  }
  const node = nodeOptionsOf(job, path, options.data)
  const name = `${node.group}/${node.node}`
  const owners = api ? await ownersOf(api, name) : new Map<string, string>()
  const log = { ...createLog('import'), info() {} }
  const target = await openImportNode(node, { clock: systemClock, log, metrics: createMetrics() })
  try {
    const onBlock = progress.block.bind(progress)
    const outcome = await runJob(job, { ...run, owners, target, dataDir: node.dataDir, onBlock })
    const isSent = await sent(target, progress, run)
    const of = { node: name, total: target.total(), clock: systemClock }
    return { ...outcome, isSent, account: api && isSent ? await accountOf(api, of) : undefined }
  } finally {
    progress.end()
    await target.close()
  }
}

/** Whether all that was read is in the log of the processor, and nothing of it was refused, by anybody. */
export function isWhole({ files, faults, isSent, account }: Done): boolean {
  const isClean = files.every(({ counts, isOld }) => isOld || Object.keys(counts.reasons).length === 0)
  const isClosed = account === undefined || [...account.difference, ...account.evicted].every((count) => count === 0)
  return isSent && isClean && isClosed && faults.length === 0
}

async function boundsOf({ tooOld }: Job, api: Api | undefined): Promise<Bounds> {
  const nowMs = systemClock.now()
  const keptMs = api && tooOld !== 'send' ? await keptFromMs(api, nowMs) : pastMsMin
  return { fromMs: pastMsMin, keptFromMs: keptMs, toMs: nowMs + futureMsMax }
}

/** Waits until the processor has all of it. False where somebody stopped it before: the next run sends the rest. */
function sent(target: ImportNode, progress: Progress, { isStopped }: { isStopped(): boolean }): Promise<boolean> {
  return target.sent(() => {
    const { outbox, uplink } = target.status()
    const why = uplink.connected ? '' : `; no broker (${uplink.lastError ?? 'not connected yet'})`
    progress.say(`${outbox.entries} batches wait for their receipt${why}`)
    return isStopped()
  })
}

/** The first Ctrl-C ends it behind the block that is being written, the second at once: nothing is lost by either. */
function stopping(): { isAsked: boolean } {
  const state = { isAsked: false }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (state.isAsked) process.exit(130)
      state.isAsked = true
    })
  return state
}
