/**
 * The import on one screen:
 *
 *   files ─ extract ─► rows ─ convert, check ─► columns ─ one transaction with the watermark ─► outbox ─ uplink ─► broker
 *                        └──── refused, with reason ──► beside                                  ▲ receipts ┘
 */
import { join } from 'node:path'
import { MillraceError } from '@millrace/platform'
import type { Bounds } from './convert.ts'
import { filesOf, type SourceFile } from './files.ts'
import type { Converted } from './gathering.ts'
import { type FileOutcome, importFile } from './import-file.ts'
import type { Job, Source } from './job.ts'
import type { Target } from './target.ts'
import type { Watermark } from './watermark.ts'

export interface RunContext {
  target: Target
  bounds: Bounds
  owners: ReadonlyMap<string, string>
  /** Absent: in a dry run, which writes nothing. */
  dataDir?: string | undefined
  onBlock(file: SourceFile, mark: Watermark, converted: Converted): void
  isStopped(): boolean
}

export interface Outcome {
  files: FileOutcome[]
  /** Files that were not read to their end, and why. */
  faults: { path: string; error: MillraceError }[]
}

/** Every file, in order. What is wrong with one keeps none of the others. */
export async function runJob(job: Job & { sources: Source[] }, context: RunContext): Promise<Outcome> {
  const outcome: Outcome = { files: [], faults: [] }
  const { dataDir, ...rest } = context
  const { tooOld, rejectsMax } = job
  const each = { ...rest, tooOld, rejectsMax, rejectsFolder: dataDir && join(dataDir, 'rejects') }
  for (const file of filesOf(job.sources)) {
    if (context.isStopped()) break
    try {
      outcome.files.push(await importFile(file, each))
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.code.startsWith('IMPORT_')) throw error
      outcome.faults.push({ path: file.path, error })
      const mark = context.target.watermark(file.key)
      if (mark) outcome.files.push({ path: file.path, counts: mark.counts, isOld: false })
    }
  }
  return outcome
}
