/** `millrace import`: a job from its file to what became of it. */
import { createLog, createMetrics, systemClock } from '@millrace/platform'
import { nodeOptionsOf } from './connection.ts'
import type { Bounds } from './convert.ts'
import { loadJob } from './job.ts'
import { type ImportNode, openImportNode } from './node.ts'
import { Progress } from './progress.ts'
import { type Outcome, runJob } from './run.ts'
import { nowhere } from './target.ts'

interface Options {
  data: string
  'dry-run': boolean
}

export interface Done {
  outcome: Outcome
  /** All of it is in the log of the processor, or would be; nothing was refused. */
  isWhole: boolean
}

/** The processor refuses what is before it (prepare.pastMsMin), and what is later than this after its arrival (prepare.futureMsMax). */
const earliestMs = Date.UTC(2000, 0, 1)
const futureMsMax = 3_600_000

/** @throws MillraceError */
export async function runCommand(path: string, options: Options): Promise<Done> {
  const job = loadJob(path)
  const bounds: Bounds = { fromMs: earliestMs, toMs: systemClock.now() + futureMsMax }
  const progress = new Progress(process.stderr)
  const stopped = stopping()
  const run = { bounds, isStopped: () => stopped.isAsked, onBlock: progress.block.bind(progress) }
  if (options['dry-run']) return doneOf(await runJob(job, { ...run, target: nowhere }), true)
  const node = nodeOptionsOf(job, path, options.data)
  const log = { ...createLog('import'), info() {} }
  const context = { clock: systemClock, log, metrics: createMetrics() }
  const target = await openImportNode(node, context)
  try {
    const outcome = await runJob(job, { ...run, target, dataDir: node.dataDir })
    const isSent = await send(target, progress, stopped)
    progress.end()
    return doneOf(outcome, isSent)
  } finally {
    await target.close()
  }
}

function doneOf(outcome: Outcome, isSent: boolean): Done {
  const isClean = outcome.faults.length === 0 && outcome.files.every(({ counts }) => Object.keys(counts.reasons).length === 0)
  return { outcome, isWhole: isSent && isClean }
}

/** Waits until the processor has all of it. False where somebody stopped it before: the next run sends the rest. */
async function send(target: ImportNode, progress: Progress, stopped: { isAsked: boolean }): Promise<boolean> {
  const isSent = await target.sent(() => {
    const { outbox, uplink } = target.status()
    const why = uplink.connected ? '' : `; no broker (${uplink.lastError ?? 'not connected yet'})`
    progress.say(`${outbox.entries} batches wait for their receipt${why}`)
    return stopped.isAsked
  })
  return isSent
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
