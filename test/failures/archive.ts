/**
 * An archive that is ended at every step of publishing and merging: `npm run break -- archive [--kills 200] [--cuts 400]`
 *
 * Kills: a process archives a timeline of 30 s over two midnights and is killed by SIGKILL at one of its file operations, a write half
 * done; another one goes on. Power cuts: the same in this process on a simulated disk, which drops what was not synced. Afterwards
 * the folder holds no half file, nothing that the manifest does not name, and each reading of the timeline once, value for
 * value, by another reader than the archive's own.
 *
 * First the harness must go red: a disk that does not sync files, or folders, must be found out.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { faultsOf, manifestsOf } from '@millrace/cloud-processor/archive'
import { readArguments } from '@millrace/platform'
import { parquetReadObjects } from 'hyparquet'
import { MemoryDisk, PowerCut } from '../../cloud-processor/src/sinks/archive/testing/memory-disk.ts'
import { archiveAll, contentsOf, contentsOfLog } from '../../cloud-processor/src/sinks/archive/testing/steps.ts'
import { timeline } from '../../cloud-processor/src/sinks/archive/testing/timeline.ts'
import { type Program, program } from '../support/program.ts'

const { values } = readArguments(
  { call: 'npm run break -- archive' },
  { kills: { type: 'string', default: '200' }, cuts: { type: 'string', default: '400' } },
)
const child = join(import.meta.dirname, 'archive', 'child.ts')
const records = timeline(30)

await program('archive', async (test) => {
  await redFirst(test)
  await powerCuts(test, Number(values.cuts))
  await kills(test, Number(values.kills))
})

async function redFirst({ check }: Program): Promise<void> {
  const bugs = {
    'files are not synced': (disk: MemoryDisk) => {
      const { create } = disk
      disk.create = (path) => ({ ...create.call(disk, path), sync() {} })
    },
    'folders are not synced': (disk: MemoryDisk) => {
      disk.sync = (folder) => {
        if (folder.includes('day=')) return
        MemoryDisk.prototype.sync.call(disk, folder)
      }
    },
  }
  for (const [what, plant] of Object.entries(bugs)) {
    const failed = await cutsOf(40, plant)
    check(failed.length > 0, `planted: ${what}: found at ${failed.length} of 40 points`)
  }
}

async function powerCuts({ check }: Program, points: number): Promise<void> {
  const failed = await cutsOf(points)
  check(failed.length === 0, `${points} power cuts, at operations of publishing and merging${failed.map((text) => `\n${text}`)}`)
}

/** @returns what was found wrong, by point */
async function cutsOf(points: number, plant: (disk: MemoryDisk) => void = () => {}): Promise<string[]> {
  const whole = new MemoryDisk()
  await archiveAll(whole, records)
  const wanted = JSON.stringify([...(await contentsOf(whole))].sort())
  const failed: string[] = []
  for (let k = 0; k < points; k++) {
    const disk = new MemoryDisk()
    plant(disk)
    disk.cutAt = 1 + Math.floor((k * whole.operations) / points)
    const at = `operation ${disk.cutAt}`
    try {
      await archiveAll(disk, records).catch(rethrowUnlessCut)
      disk.restart()
      await archiveAll(disk, records)
      if (JSON.stringify([...(await contentsOf(disk))].sort()) !== wanted) failed.push(`${at}: the contents differ`)
    } catch (error) {
      failed.push(`${at}: ${error}`)
    }
  }
  return failed
}

function rethrowUnlessCut(error: unknown): void {
  if (!(error instanceof PowerCut)) throw error
}

async function kills({ dir, check, say }: Program, points: number): Promise<void> {
  const operations = Number(run(join(dir, 'whole')).stdout)
  const { next } = manifestsOf(join(dir, 'whole'))[0]!.logs[0]!
  const wanted = sorted([...contentsOfLog(records.slice(0, next))])
  say(`${operations} file operations, ${wanted.length} rows`)
  const failed: string[] = []
  let killed = 0
  for (let k = 0; k < points; k++) {
    const folder = join(dir, `${k}`)
    const at = 1 + Math.floor((k * operations) / points)
    if (run(folder, at).signal === 'SIGKILL') killed++
    const { status, stderr } = run(folder)
    if (status !== 0) failed.push(`operation ${at}: it does not start again: ${stderr}`)
    else failed.push(...(await wrongIn(folder, wanted)).map((what) => `operation ${at}: ${what}`))
  }
  check(killed === points, `${killed} of ${points} processes were killed`)
  check(failed.length === 0, `nothing half, double, lost or left over after them${failed.map((text) => `\n${text}`).join('')}`)
}

function run(folder: string, killAt?: number) {
  const args = killAt === undefined ? [folder] : [folder, `${killAt}`]
  return spawnSync(process.execPath, [child, ...args], { encoding: 'utf8' })
}

/** By what lies in the folder, not only what the manifest names. */
async function wrongIn(folder: string, wanted: string[]): Promise<string[]> {
  const faults = await faultsOf(folder, manifestsOf(folder)[0]!)
  const found = new Map<string, { position: bigint; value: unknown }>()
  for (const path of globSync(`${folder}/partition=*/day=*/*`)) {
    for (const row of await rowsIn(path)) {
      const key = `${row.device},${row.channel},${row.time}`
      const value = row.samples ?? row.raw ?? row.value ?? row.text ?? row.flag
      if ((found.get(key)?.position ?? -1n) < row.position) found.set(key, { position: row.position, value })
    }
  }
  const contents = sorted([...found].map(([key, { value }]) => [key, value]))
  const isSame = JSON.stringify(contents) === JSON.stringify(wanted)
  return isSame ? faults : [...faults, `${contents.length} rows, not the ${wanted.length} of the timeline`]
}

function rowsIn(path: string) {
  const bytes = readFileSync(path)
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const compressors = { ZSTD: (page: Uint8Array) => zstdDecompressSync(page) }
  return parquetReadObjects({ file, compressors, parsers: { timestampFromMicroseconds: (micros) => micros } })
}

function sorted(contents: [string, unknown][]): string[] {
  return contents.map((entry) => JSON.stringify(entry)).sort()
}
