import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manifestsOf } from '@millrace/cloud-processor/archive'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeDisk } from '../../../cloud-processor/src/sinks/archive/disk.ts'
import { archiveAll } from '../../../cloud-processor/src/sinks/archive/testing/steps.ts'
import { timeline } from '../../../cloud-processor/src/sinks/archive/testing/timeline.ts'
import type { Api } from '../api.ts'
import { printArchiveVerdict, printList } from './print.ts'
import { verifyArchive } from './verify.ts'

const records = timeline(30)
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-archive-'))
  await archiveAll(nodeDisk(folder), records)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A processor with these records in its log. */
const apiOf = (log: typeof records) => {
  const lines = log.map(({ offset, key, timeMs, value, source }) => ({
    ...{ offset, key, timeMs, source, record: JSON.parse(Buffer.from(value).toString()) },
  }))
  const page = (from = 0) => ({ start: 0, end: lines.length, records: lines.filter(({ offset }) => offset >= from).slice(0, 50) })
  return { log: async (_topic: string, _partition: number, from?: number) => page(from) } as unknown as Api
}

test('says WHOLE where files, manifest, ledger and log agree', async () => {
  const verdict = await verifyArchive(folder, apiOf(records))
  expect(verdict.partitions[0]!.faults).toEqual([])
  expect(verdict).toMatchObject({ isWhole: true, partitions: [{ partition: 0, days: 3, compared: 3 }] })
  expect(printArchiveVerdict(verdict)).toMatch(/complete to 2026-11-30T00:00:1\d.*\nWHOLE/s)
  expect(printList(folder, manifestsOf(folder))).toMatch(/2026-11-29 +0 +1 /)
})

test('names the file that was altered, the one that is gone and the one that nobody published', async () => {
  const [first, second] = manifestsOf(folder)[0]!.files
  const bytes = readFileSync(join(folder, first!.path))
  bytes[40]! ^= 1
  writeFileSync(join(folder, first!.path), bytes)
  rmSync(join(folder, second!.path))
  const left = `${second!.path}.tmp`
  writeFileSync(join(folder, left), 'half')
  const { isWhole, partitions } = await verifyArchive(folder)
  expect(isWhole).toBe(false)
  expect(partitions[0]!.faults).toEqual([
    expect.stringMatching(`^${first!.path} is not as it was written`),
    `${second!.path} cannot be read (ENOENT)`,
    expect.stringMatching(`^${left} is named by no manifest`),
  ])
})

test('names the day of which the log has more', async () => {
  const doubled = records.find(({ value }) => Buffer.from(value).includes('"number":3,'))!
  const more = { ...doubled, source: { log: 'raw', partition: 1, offset: 0, index: 0 } }
  const { partitions } = await verifyArchive(
    folder,
    apiOf([...records.slice(0, 20), { ...more, offset: 19.5 }, ...records.slice(20)]),
  )
  expect(partitions[0]!.faults).toEqual([
    expect.stringMatching(/^2026-11-29: the log has \d+ readings and \d+ samples, the archive/),
  ])
})

test('where there is no archive it says how to get one', async () => {
  await expect(verifyArchive(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ARCHIVE_NONE' })
})
