/**
 * The manifest of a partition: what is published, and everything that the sink must know to go on. A file that no manifest names is
 * not published.
 *
 *     partition=0/manifest/000000000017.json    two lines: the manifest as JSON, and the SHA-256 of its bytes
 *     partition=0/day=2026-11-30/<version>-<writer>-<k>.parquet
 *
 * Version n + 1 is made by linking a name that must not exist yet: of two writers one fails, and takes up what the other made. The
 * highest version counts; a few before it are kept for readers.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Tally } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { Marks } from '../../stage/index.ts'
import type { Disk } from './disk.ts'
import type { Difference } from './ledger.ts'

const manifestFormat = 1

/** Positions of one log in the partition, both inside. */
export interface Positions {
  log: string
  from: number
  to: number
}

export interface ArchivedFile {
  /** Below the folder of the archive. */
  path: string
  /** UTC, such as 2026-11-30. */
  day: string
  rows: number
  readings: number
  samples: number
  /** Of equal series and time, not in it. */
  collapsed: Tally
  bytes: number
  sha256: string
  /** Of the records that the rows came in. */
  positions: Positions[]
  /** Times of the first and last row. */
  firstMs: number
  lastMs: number
  /** How many merges lie behind it. */
  level: number
  /** Newest tick when it was published. */
  publishedMs: number
}

export interface Manifest {
  format: typeof manifestFormat
  version: number
  /** One life of the process that published it. */
  writer: string
  partition: number
  /** What of which log is archived, in order: `from` is the first record and `next` the first that is not. Twice the same log: it had dropped what is between. */
  logs: { log: string; from: number; next: number }[]
  /** Newest tick of the timeline, epoch ms; 0 before the first. */
  nowMs: number
  /** The first tick that it saw. */
  beganMs?: number
  /** All readings up to here are archived or accounted for, by the ledger. Absent: a node has no cut yet. */
  completeToMs?: number
  /** Nodes behind the newest tick, with the time up to which each is complete; null: it has no cut. */
  behind: Record<string, number | null>
  /** Readings and samples of all time. taken = those of the files + collapsed. */
  taken: Tally
  collapsed: Tally
  /** Came with a time up to which the archive had said to be complete. */
  late: Tally
  /** What the newest cuts of the ledger find missing here. */
  missing: Difference[]
  /** Records that cannot be read. */
  refused: number
  files: ArchivedFile[]
  /** Of the sink itself. */
  memory: { marks: Marks; declared: unknown; ledger: unknown; completeness: unknown }
}

export function emptyManifest(partition: number): Manifest {
  return {
    format: manifestFormat,
    version: 0,
    writer: '',
    partition,
    logs: [],
    nowMs: 0,
    behind: {},
    taken: [0, 0],
    collapsed: [0, 0],
    late: [0, 0],
    missing: [],
    refused: 0,
    files: [],
    memory: { marks: {}, declared: [], ledger: [], completeness: undefined },
  }
}

export const partitionFolder = (partition: number) => `partition=${partition}`
const folderOf = (partition: number) => `${partitionFolder(partition)}/manifest`
const nameOf = (version: number) => `${String(version).padStart(12, '0')}.json`
const versionsKept = 3

/** Partitions that an archive has. */
export function partitionsIn(disk: Disk): number[] {
  const numbers = disk.list('.').map((name) => /^partition=(\d+)$/.exec(name)?.[1])
  return numbers
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** The newest; undefined: nothing was published. @throws MillraceError ARCHIVE_DAMAGED, ARCHIVE_NEWER */
export function readManifest(disk: Disk, partition: number): Manifest | undefined {
  const newest = versionsIn(disk, partition).at(-1)
  if (newest === undefined) return undefined
  const path = `${folderOf(partition)}/${nameOf(newest)}`
  const [text = '', sum] = Buffer.from(disk.read(path)).toString().split('\n')
  if (sum !== sha256(text)) throw new MillraceError('ARCHIVE_DAMAGED', { path, detail: 'its checksum is wrong' })
  const manifest = JSON.parse(text) as Manifest
  if (manifest.format !== manifestFormat)
    throw new MillraceError('ARCHIVE_NEWER', { path, found: manifest.format, known: manifestFormat })
  return manifest
}

/** Durable when it returns. @throws MillraceError ARCHIVE_TAKEN when another writer published in the meantime */
export function publishManifest(disk: Disk, manifest: Manifest): void {
  const { partition, version } = manifest
  const folder = folderOf(partition)
  const path = `${folder}/${nameOf(version)}`
  const temporary = `${folder}/.${randomUUID()}.tmp`
  const text = JSON.stringify(manifest)
  disk.makeFolder(folder)
  const file = disk.create(temporary)
  try {
    file.write(Buffer.from(`${text}\n${sha256(text)}\n`))
    file.sync()
    disk.link(temporary, path)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? new MillraceError('ARCHIVE_TAKEN', { path }, error) : error
  } finally {
    file.close()
    disk.remove(temporary)
  }
  disk.sync(folder)
  const versions = versionsIn(disk, partition)
  // One that was away for long may have made a version that the others had removed already.
  if (versions.at(-1) !== version) throw new MillraceError('ARCHIVE_TAKEN', { path })
  for (const old of versions.slice(0, -versionsKept)) disk.remove(`${folder}/${nameOf(old)}`)
}

/** Removes what a process left that ended while it published. */
export function removeOrphans(disk: Disk, manifest: Manifest): void {
  for (const path of unknownFiles(disk, manifest)) disk.remove(path)
}

/** What no manifest of the partition names. */
export function unknownFiles(disk: Disk, { partition, files }: Manifest): string[] {
  const root = partitionFolder(partition)
  const known = new Set(files.map(({ path }) => path))
  const days = disk.list(root).filter((name) => name.startsWith('day='))
  const found = days.flatMap((day) => disk.list(`${root}/${day}`).map((name) => `${root}/${day}/${name}`))
  const manifests = disk.list(folderOf(partition)).map((name) => `${folderOf(partition)}/${name}`)
  return [...found.filter((path) => !known.has(path)), ...manifests.filter((path) => path.endsWith('.tmp'))]
}

function versionsIn(disk: Disk, partition: number): number[] {
  const versions = disk.list(folderOf(partition)).map((name) => /^(\d{12})\.json$/.exec(name)?.[1])
  return versions
    .filter((version) => version !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
