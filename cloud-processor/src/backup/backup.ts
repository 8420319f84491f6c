/**
 * Backup and restore of a processor whose log is in files of its own, while it runs or not.
 *
 *     <folder>/backup.json      { f: 1, atMs, files: [{ name, bytes, sha256 }] }: written last, so a backup without it is none
 *     <folder>/store.sqlite  notifier.sqlite  people.sqlite  gateways.sqlite  log.sqlite      in this order: the log is never behind what was read from it
 *
 * What a restore loses is what was receipted after the backup: the agents have let go of it. It shows as a gap with the reason
 * `restored`, counted in the ledger. To say so, restore puts a control record into the log. And it raises the next offset of
 * every partition far beyond any that was given before, since a position must never name two records: a reader that kept marks of
 * the log that is gone, such as a document store, would take the new for repeats.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, createReadStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { type Clock, createMetrics, type Log as Logger, MillraceError, makeFolder, makePrivate } from '@millrace/platform'
import { appendControl } from '../bridge/index.ts'
import { pluginFor } from '../kinds/index.ts'
import { type LogOptions, type LogPlugin, logs } from '../log/index.ts'

/** What follows is older than what it was made from. */
const files = ['store.sqlite', 'notifier.sqlite', 'people.sqlite', 'gateways.sqlite', 'log.sqlite'] as const
const manifestName = 'backup.json'

export interface Backup {
  f: 1
  /** When it was begun: everything durable by then is in it. */
  atMs: number
  files: { name: string; bytes: number; sha256: string }[]
}

/** @throws MillraceError BACKUP_NOTHING, BACKUP_EXISTS */
export async function backUp(dataDir: string, to: string, clock: Clock): Promise<Backup> {
  if (!existsSync(join(dataDir, 'log.sqlite'))) throw new MillraceError('BACKUP_NOTHING', { path: dataDir })
  mustBeEmpty(to)
  const made: Backup = { f: 1, atMs: clock.now(), files: [] }
  for (const name of files) {
    const from = join(dataDir, name)
    if (!existsSync(from)) continue
    const db = new DatabaseSync(from, { readOnly: true })
    makePrivate(join(to, name))
    await backup(db, join(to, name)).finally(() => db.close())
    made.files.push({ name, bytes: statSync(join(to, name)).size, sha256: await hashOf(join(to, name)) })
  }
  writeFileSync(join(to, manifestName), JSON.stringify(made, null, 2), { mode: 0o600 })
  return made
}

/** Into an empty folder. `log` is the processor's configuration of it. @throws MillraceError BACKUP_NOTHING, BACKUP_DAMAGED, BACKUP_EXISTS, and what opening the log throws */
export async function restore(
  from: string,
  dataDir: string,
  log: LogOptions,
  { clock, logger }: { clock: Clock; logger: Logger },
): Promise<Backup> {
  const plugin = pluginFor<LogPlugin>(logs, log)
  if (!plugin.startNewEpoch) throw new MillraceError('BACKUP_NOTHING', { path: dataDir })
  const made = await readBackup(from)
  mustBeEmpty(dataDir)
  for (const { name } of made.files) {
    makePrivate(join(dataDir, name))
    copyFileSync(join(from, name), join(dataDir, name))
  }
  plugin.startNewEpoch(dataDir)
  const opened = await plugin.open(log, { dataDir, clock, logger, metrics: createMetrics() })
  await appendControl(opened, clock, { by: 'restore', type: 'restored', backupMs: made.atMs }).finally(() => opened.close())
  return made
}

async function readBackup(path: string): Promise<Backup> {
  const damaged = (detail: string) => new MillraceError('BACKUP_DAMAGED', { path, detail })
  if (!existsSync(join(path, manifestName))) throw damaged(`${manifestName} is missing, so it was not finished`)
  const made = JSON.parse(readFileSync(join(path, manifestName), 'utf8')) as Backup
  for (const { name, sha256 } of made.files) {
    if (!existsSync(join(path, name))) throw damaged(`${name} is missing`)
    if ((await hashOf(join(path, name))) !== sha256) throw damaged(`${name} has other content than when it was made`)
  }
  return made
}

function mustBeEmpty(path: string): void {
  makeFolder(path)
  if (readdirSync(path).length > 0) throw new MillraceError('BACKUP_EXISTS', { path })
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
