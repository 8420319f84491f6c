import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeSink, type SinkPlace } from '../conformance.ts'
import { nodeDisk } from './disk.ts'
import { rowsOf } from './file-rows.ts'
import { readManifest } from './manifest.ts'
import { openAtOnce, readingAt, t0, topic } from './testing/place.ts'

const writer = fileURLToPath(new URL('./testing/writer.ts', import.meta.url))

describeSink('archive', async (): Promise<SinkPlace> => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-archive-'))
  const folder = join(root, 'archive')
  return {
    open: async () => openAtOnce(folder),
    topic,
    record: readingAt,
    poison: (offset) => [
      { ...readingAt(offset), value: Buffer.from('{"f":1,"k":"readings",') },
      {
        ...readingAt(offset + 1),
        value: Buffer.from('{"f":1,"k":"readings","channels":{"spo2":{"t":["x"],"v":[1]}},"waves":{}}'),
      },
    ],
    found: () => found(folder),
    // A file in the place of the folder.
    async down() {
      renameSync(folder, join(root, 'away'))
      writeFileSync(folder, '')
    },
    async up() {
      rmSync(folder)
      renameSync(join(root, 'away'), folder)
    },
    writer: [writer, folder],
    remove: async () => rmSync(root, { recursive: true }),
  }
})

async function found(folder: string) {
  const disk = nodeDisk(folder)
  const all: { id: string; offset: number }[] = []
  for (const { path } of readManifest(disk, 0)?.files ?? []) {
    for await (const rows of rowsOf(disk, path))
      rows.time.forEach((time, k) => {
        all.push({ id: [rows.device[k], rows.channel[k], time].join(), offset: Number(time) / 1000 - t0 })
      })
  }
  return all.sort((a, b) => a.offset - b.offset)
}
