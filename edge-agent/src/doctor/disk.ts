/** Whether the outbox can be written, how fast, and whether there is room for all that it may hold. */
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError, makeFolder } from '@millrace/platform'
import type { AgentConfig } from '../config.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'
import { nameOf } from './user.ts'

const writes = 5
const writeBytes = 65_536
/** A commit should not take longer than half of the time between two. */
const slowShare = 0.5
const MB = 1e6

export function checkDisk({ dataDir, outbox, commitEveryMs }: AgentConfig): Finding[] {
  let tookMs: number
  try {
    makeFolder(dataDir)
    tookMs = writeTimeMs(join(dataDir, `doctor-${process.pid}`))
  } catch (error) {
    const cause = (error instanceof MillraceError ? error.cause : error) as NodeJS.ErrnoException
    return [wrong('disk', `${dataDir} cannot be written: ${cause.message}`, remedyOf(cause))]
  }
  const speed = `a durable write of 64 KiB takes ${tookMs.toFixed(1)} ms`
  const isSlow = tookMs > commitEveryMs * slowShare
  const slow = `Raise commitEveryMs (now ${commitEveryMs}) to ${Math.ceil(tookMs / slowShare / 50) * 50}, or use a better disk or card.`
  return [isSlow ? warning('disk', speed, slow) : ok('disk', speed), room(dataDir, outbox)]
}

/** The median, of writes as the outbox makes them. */
function writeTimeMs(file: string): number {
  const fd = openSync(file, 'w', 0o600)
  try {
    const times = Array.from({ length: writes }, () => {
      const startedMs = performance.now()
      writeSync(fd, new Uint8Array(writeBytes))
      fsyncSync(fd)
      return performance.now() - startedMs
    })
    return times.sort((a, b) => a - b)[writes >> 1]!
  } finally {
    closeSync(fd)
    rmSync(file)
  }
}

function room(dataDir: string, { bytesMax, freeDiskMin }: AgentConfig['outbox']): Finding {
  const { bavail, bsize } = statfsSync(dataDir)
  const free = bavail * bsize
  const says = `${(free / MB).toFixed(0)} MB are free`
  if (free < freeDiskMin)
    return wrong(
      'disk',
      `${says}, less than outbox.freeDiskMin: the outbox does not grow`,
      'Free disk space, or name another dataDir.',
    )
  const holds = Math.max(0, free - freeDiskMin) + bytesOf(join(dataDir, 'outbox.sqlite'))
  if (holds >= bytesMax) return ok('disk', `${says}: room for all of outbox.bytesMax`)
  const remedy = `Free disk space, or set outbox.bytesMax to ${Math.floor(holds / MB) * MB}: the bound then is the one you read.`
  return warning('disk', `${says}: the outbox stops at ${(holds / MB).toFixed(0)} MB, before outbox.bytesMax`, remedy)
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function remedyOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'EROFS') return 'Mount the file system writable, or name another dataDir.'
  if (code === 'ENOSPC') return 'Free disk space.'
  if (code === 'EACCES' || code === 'EPERM') return `Give the folder to the user of the agent: chown -R ${nameOf()} <dataDir>.`
  return 'Check the disk, and dataDir.'
}
