/**
 * `millrace-agent spool list | export | drop`: what the outbox of a stopped agent holds, and the batches that were set aside
 * because nobody receipted them. The agent that runs has its file for itself.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createMetrics, MillraceError, readArguments, silentLog, systemClock } from '@millrace/platform'
import { openOutbox, outboxSchema, sqliteStorage } from '../outbox/index.ts'
import { exportLines } from './export.ts'
import { type Chosen, openSpoolFile, type SpoolFile } from './file.ts'
import { listLines } from './list.ts'

export const spoolWords = ['spool list', 'spool export', 'spool drop']

const options = {
  config: { type: 'string' },
  what: { type: 'string', default: 'aside' },
  id: { type: 'string' },
  device: { type: 'string' },
  yes: { type: 'boolean', default: false },
} as const

const purpose = `list says what waits to be sent and what was set aside. export writes batches as JSON lines to the standard output.
drop removes them: what waits is named in a gap and counted as evicted; what was set aside is in a gap already.
--what is aside, waiting or all; --device and --id (3,7) choose among them. The agent must be stopped.`

/** @param dataDirOf reads the configuration. @throws MillraceError AGENT_SPOOL_ABSENT, AGENT_SPOOL_IN_USE, AGENT_OUTBOX_IO */
export async function spool(dataDirOf: (configFile?: string) => string, write: (text: string) => void): Promise<void> {
  const { values, positionals, refuse } = readArguments({ call: 'millrace-agent', words: spoolWords, purpose }, options)
  if (!['aside', 'waiting', 'all'].includes(values.what)) refuse(`--what ${values.what} is not known: aside, waiting or all`)
  const ids = values.id?.split(',').map(Number)
  if (ids?.some((id) => !Number.isSafeInteger(id) || id < 1)) refuse(`--id ${values.id} is not a list of numbers such as 3,7`)
  const chosen: Chosen = { what: values.what as Chosen['what'], device: values.device, ids }
  const path = join(dataDirOf(values.config), 'outbox.sqlite')
  if (!existsSync(path)) throw new MillraceError('AGENT_SPOOL_ABSENT', { path })
  const file = openSpoolFile(path)
  try {
    if (positionals[1] === 'list') for (const line of listLines(file)) write(`${line}\n`)
    else if (positionals[1] === 'export') for (const line of exportLines(file, chosen)) write(`${line}\n`)
    else await drop(file, chosen, { isConfirmed: values.yes, write })
  } finally {
    file.close()
  }
}

interface DropContext {
  isConfirmed: boolean
  write(text: string): void
}

async function drop(file: SpoolFile, chosen: Chosen, { isConfirmed, write }: DropContext): Promise<void> {
  const aside = [...file.rows('aside', chosen)].map(({ id }) => id)
  const waiting = new Set([...file.rows('waiting', chosen)].filter(({ entry }) => entry.kind === 'data').map(({ id }) => id))
  const found = `${aside.length} set aside, ${waiting.size} waiting`
  if (!isConfirmed) return write(`Would drop: ${found}. Add --yes to drop them for good.\n`)
  file.removeAside(aside)
  file.close()
  if (waiting.size > 0) await dropWaiting(file.path, waiting)
  write(`Dropped: ${found}.\n`)
}

/** By the outbox itself, as a run of the agent: each is named in a gap, in the transaction that removes it. */
async function dropWaiting(path: string, ids: Set<number>): Promise<void> {
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  const outbox = await openOutbox(
    sqliteStorage(path),
    outboxSchema.parse({ bytesMax: Number.MAX_SAFE_INTEGER, freeDiskMin: 0 }),
    context,
  )
  try {
    for (;;) {
      const entries = outbox.next('backlog', 1e6)
      if (entries.length === 0) break
      for (const entry of entries) outbox.take(entry)
      await outbox.drop(entries.filter(({ id }) => ids.has(id)))
    }
  } finally {
    await outbox.close()
  }
}
