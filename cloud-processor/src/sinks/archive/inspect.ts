/** An archive as people look at it, whether or not a processor writes into it. */
import { createHash } from 'node:crypto'
import type { Tally } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import { type ArchiveSinkConfig, archiveSinkSchema, folderOf } from './config.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { footerOf } from './file-rows.ts'
import { type ArchivedFile, type Manifest, partitionsIn, readManifest, unknownFiles } from './manifest.ts'

export type { ArchivedFile, Manifest } from './manifest.ts'

export interface DayView {
  day: string
  files: number
  readings: number
  samples: number
  collapsed: Tally
  bytes: number
}

/** Of the first archive that a configuration names; undefined: it names none. */
export function folderIn({ sinks, dataDir }: Configured): string | undefined {
  const found = Object.values(sinks).find(({ kind }) => kind === archiveSinkSchema.shape.kind.value)
  return found && folderOf(found as ArchiveSinkConfig, dataDir)
}
interface Configured {
  sinks: Record<string, { kind: string }>
  dataDir: string
}

/** The newest manifest of each partition. @throws MillraceError ARCHIVE_NONE, ARCHIVE_DAMAGED, ARCHIVE_NEWER */
export function manifestsOf(folder: string): Manifest[] {
  const disk = nodeDisk(folder)
  const manifests = partitionsIn(disk).map((partition) => readManifest(disk, partition))
  const found = manifests.filter((manifest) => manifest !== undefined)
  if (found.length === 0) throw new MillraceError('ARCHIVE_NONE', { path: folder })
  return found
}

/** In order. */
export function daysOf({ files }: Pick<Manifest, 'files'>): DayView[] {
  return [...Map.groupBy(files, ({ day }) => day)]
    .sort(([, [a]], [, [b]]) => a!.firstMs - b!.firstMs)
    .map(([day, ofDay]) => ({ day, files: ofDay.length, ...sumOf(ofDay) }))
}

/** What the folder does not hold as the manifest says, a sentence each. */
export async function faultsOf(folder: string, manifest: Manifest): Promise<string[]> {
  const disk = nodeDisk(folder)
  const faults: string[] = []
  for (const file of manifest.files) {
    const fault = await faultOf(disk, file)
    if (fault !== undefined) faults.push(`${file.path} ${fault}`)
  }
  for (const path of unknownFiles(disk, manifest))
    faults.push(`${path} is named by no manifest; the processor removes it when it starts`)
  return [...faults, ...faultsInside(manifest)]
}

async function faultOf(disk: Disk, { path, bytes, sha256, rows }: ArchivedFile): Promise<string | undefined> {
  let content: Uint8Array
  try {
    content = disk.read(path)
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`
  }
  if (content.length !== bytes) return `has ${content.length} bytes, not ${bytes}`
  if (createHash('sha256').update(content).digest('hex') !== sha256) return 'is not as it was written: its SHA-256 differs'
  const inside = Number((await footerOf(disk, path)).num_rows)
  return inside === rows ? undefined : `has ${inside} rows, not ${rows}`
}

/** Of what the manifest says of itself. */
function faultsInside({ files, taken, collapsed, logs, missing, refused }: Manifest): string[] {
  const faults: string[] = []
  const sum = sumOf(files)
  for (const [k, name] of (['readings', 'samples'] as const).entries()) {
    const archived = sum[name] + collapsed[k]!
    if (archived !== taken[k]) faults.push(`${taken[k]} ${name} were taken, and ${archived} are archived or have collapsed`)
  }
  logs.forEach(({ log, from }, k) => {
    const before = logs[k - 1]
    if (before?.log === log && before.next < from)
      faults.push(`records ${before.next} to ${from - 1} of log ${log} were dropped by the log before they were archived`)
  })
  for (const { stream, device, missing: gone } of missing)
    faults.push(`${device}, stream ${stream}: ${gone[0]} readings and ${gone[1]} samples fewer than the timeline has had`)
  if (refused > 0) faults.push(`${refused} records could not be read; they are among the rejected`)
  return faults
}

function sumOf(files: ArchivedFile[]): Omit<DayView, 'day' | 'files'> {
  const sum = { readings: 0, samples: 0, collapsed: [0, 0] as Tally, bytes: 0 }
  for (const { readings, samples, collapsed, bytes } of files) {
    sum.readings += readings
    sum.samples += samples
    sum.collapsed = [sum.collapsed[0] + collapsed[0], sum.collapsed[1] + collapsed[1]]
    sum.bytes += bytes
  }
  return sum
}
