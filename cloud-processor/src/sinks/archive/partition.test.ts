import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { readManifest } from './manifest.ts'
import { MemoryDisk, PowerCut } from './testing/memory-disk.ts'
import { archiveAll, contentsOf, contentsOfLog, open } from './testing/steps.ts'
import { startMs, timeline } from './testing/timeline.ts'

const records = timeline(60)

/** No half file, no orphan, no file that is named and missing. */
function expectWhole(disk: MemoryDisk): void {
  const { files, taken, collapsed } = readManifest(disk, 0)!
  for (const { path, sha256, bytes } of files) {
    expect(disk.read(path).length).toBe(bytes)
    expect(createHash('sha256').update(disk.read(path)).digest('hex')).toBe(sha256)
  }
  const present = disk.list('partition=0').filter((name) => name.startsWith('day='))
  const paths = present.flatMap((day) => disk.list(`partition=0/${day}`).map((name) => `partition=0/${day}/${name}`))
  expect(paths.sort()).toEqual(files.map(({ path }) => path).sort())
  for (const [k, name] of (['readings', 'samples'] as const).entries())
    expect(files.reduce((sum, file) => sum + file[name], 0) + collapsed[k]!).toBe(taken[k])
}

test('holds what the timeline holds, in files of days, and merges those of a day that is complete', async () => {
  const disk = new MemoryDisk()
  const { manifest } = await archiveAll(disk, records)
  expectWhole(disk)
  const shown = contentsOfLog(records.slice(0, manifest.logs[0]!.next))
  expect(await contentsOf(disk)).toEqual(shown)
  const days = Map.groupBy(manifest.files, ({ day }) => day)
  expect([...days.keys()].sort()).toEqual(['2026-11-28', '2026-11-29', '2026-11-30'])
  expect(days.get('2026-11-29')).toHaveLength(1)
  expect(manifest.missing).toEqual([])
  expect(manifest.collapsed[0]).toBeGreaterThan(0)
})

test('loses and doubles nothing when the power goes at any operation', async () => {
  const whole = new MemoryDisk()
  await archiveAll(whole, records)
  const wanted = await contentsOf(whole)
  const points = whole.operations
  expect(points).toBeGreaterThan(200)
  // All of them: `npm run break -- archive`.
  for (let point = 1; point <= points; point += 23) {
    const disk = new MemoryDisk()
    disk.cutAt = point
    await expect(archiveAll(disk, records)).rejects.toThrow(PowerCut)
    disk.restart()
    await archiveAll(disk, records)
    expectWhole(disk)
    expect(await contentsOf(disk), `power cut at operation ${point}`).toEqual(wanted)
  }
}, 30_000)

test('a writer that was taken over publishes nothing more, and removes nothing', async () => {
  const disk = new MemoryDisk()
  const first = open(disk)
  first.write(records.slice(0, 40))
  const second = open(disk)
  expect(() => first.write(records.slice(40, 120))).toThrow(/ARCHIVE_TAKEN|Another process/)
  for (let from = second.next; from < records.length; from += 10) second.write(records.slice(from, from + 10))
  open(disk)
  expectWhole(disk)
  expect(await contentsOf(disk)).toEqual(contentsOfLog(records.slice(0, second.next)))
})

test('is complete up to what the newest cut settled, and counts what comes late after that', async () => {
  const { manifest } = await archiveAll(new MemoryDisk(), records)
  const newestCut = Math.floor(60 / 5) * 5 - 1
  expect(manifest.completeToMs).toBeLessThanOrEqual(startMs + newestCut * 1000 + 500)
  expect(manifest.completeToMs).toBeGreaterThan(startMs + 45_000)
  expect(manifest.late).toEqual([16, 0])
})

test('names what the ledger says and the archive has not', async () => {
  const lost = records.findIndex(({ value }) => Buffer.from(value).includes('"number":12,'))
  const partition = await archiveAll(
    new MemoryDisk(),
    records.filter((_, k) => k !== lost),
  )
  expect(partition.manifest.missing).toEqual([{ stream: 'now', device: 'bed-1', missing: [5, 25] }])
})

test('refuses a manifest that is damaged, or of a later format, by name', async () => {
  const disk = new MemoryDisk()
  await archiveAll(disk, records)
  const newest = disk.list('partition=0/manifest').sort().at(-1)!
  disk.read(`partition=0/manifest/${newest}`)[100]! ^= 1
  expect(() => open(disk)).toThrow(/damaged/)
})
