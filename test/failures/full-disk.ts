/**
 * A full disk under the outbox: `node test/failures/full-disk.ts`
 *
 * A 32 MB image. Another program takes every byte before the outbox has grown, so that writes fail; the space comes back. Then
 * the outbox fills the disk up to the free space that it has to leave, and evicts by policy, also when that is taken from it
 * as well. At the end each reading is in the outbox or in a gap.
 */
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { emptyEdgeCounts, type GapRecord, type LedgerRecord } from '@millrace/contract'
import { type Drained, type Outbox, openOutbox, outboxSchema, sqliteStorage } from '@millrace/edge-agent/outbox'
import { createMetrics, readArguments, silentLog, systemClock } from '@millrace/platform'
import { createDiskImage, needDiskImages } from '../support/disk-image.ts'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'

readArguments({ call: 'npm run break -- full-disk' }, {})

const MiB = 1024 * 1024
const freeDiskMin = 4 * MiB
const memoryBytesMax = 4 * MiB
const perCommit = 2000
const device = 'd'

await program('full-disk', async (test) => {
  needDiskImages()
  const image = createDiskImage(join(test.dir, 'disk'), 32)
  test.atEnd(() => image.unmount())
  image.format()
  const free = () => statfsSync(image.folder).bavail * statfsSync(image.folder).bsize
  const file = join(image.folder, 'outbox.sqlite')
  const outbox = await open(file)
  let made = 0
  const commit = () => {
    made += perCommit
    return outbox.commit([drain(made)])
  }

  const ballast = join(image.folder, 'ballast')

  await commit()
  fill(ballast)
  let waited = 0
  for (let k = 0; k < 600; k++) waited += Number(!(await commit()))
  const { memoryBytes } = outbox.status()
  test.check(waited === 600, `disk full from the start: ${waited} of 600 commits waited in memory`)
  test.check(
    memoryBytes <= memoryBytesMax,
    `${memoryBytes} bytes wait there, of ${memoryBytesMax} at most; the rest is in the gap`,
  )
  rmSync(ballast)
  await until('writes are taken again', commit, { withinMs: 60_000 })
  test.check(outbox.status().memoryBytes === 0, 'space came back: what waited is on the disk')

  let lowest = free()
  for (let k = 0; k < 2000; k++) {
    if (!(await commit())) throw new Error(`refused with ${free()} bytes free: ${outbox.status().lastError}`)
    lowest = Math.min(lowest, free())
  }
  const { last, entries } = outbox.status()
  test.check(entries < last / 2, `up to the space it has to leave: ${entries} of ${last} entries are left, the others evicted`)
  test.check(
    lowest > freeDiskMin / 2,
    `${(lowest / MiB).toFixed(1)} MiB or more stayed free; ${freeDiskMin / MiB} MiB were asked for`,
  )

  fill(ballast)
  let taken = 0
  for (let k = 0; k < 300; k++) taken += Number(await commit())
  test.check(
    taken > 0,
    `not a byte free: ${taken} of 300 commits found room in the outbox's own file, where older ones were evicted`,
  )
  rmSync(ballast)
  await until('writes are taken again', commit, { withinMs: 60_000 })
  await outbox.close()

  const again = await open(file)
  const { present, gone, read } = await account(again, outbox.stream)
  test.check(read === made, `the ledger counts ${read} of ${made} readings as read`)
  test.check(present + gone === read, `${read} read = ${present} in the outbox + ${gone} in gaps`)
  await again.close()
})

async function open(path: string): Promise<Outbox> {
  const options = outboxSchema.parse({ freeDiskMin, memoryBytesMax, ledgerEveryMs: 200, batchReadingsMax: perCommit })
  const outbox = await openOutbox(sqliteStorage(path), options, { clock: systemClock, log: silentLog, metrics: createMetrics() })
  await outbox.declare(device, [{ name: 'x', kind: 'number', datatype: 'Double', unit: '1' }])
  return outbox
}

/** Values that do not compress. */
function drain(fromMs: number): Drained {
  const t = Array.from({ length: perCommit }, (_, k) => fromMs + k)
  const columns = { channels: { x: { t, v: t.map(() => Math.random()) } }, waves: {} }
  return { device, columns, bad: [], counts: { ...emptyEdgeCounts(), read: [perCommit, 0], frames: [perCommit, 0] } }
}

/** Takes all that is left, to the last block. */
function fill(path: string): void {
  const fd = openSync(path, 'w')
  for (let size = MiB; size >= 512; ) {
    try {
      writeSync(fd, Buffer.alloc(size, 1))
    } catch {
      size >>= 1
    }
  }
  closeSync(fd)
}

/** What the outbox holds of a stream that has ended, and what it says of it. */
async function account(outbox: Outbox, stream: string): Promise<{ present: number; gone: number; read: number }> {
  await outbox.issueGap()
  const entries = [...outbox.next('backlog', 1e6), ...outbox.next('live', 1e6)]
  const data = entries.filter((entry) => entry.kind === 'data' && entry.stream === stream)
  const told = await outbox.load(entries.filter(({ kind }) => kind !== 'data'))
  let [gone, read] = [0, 0]
  for (const [{ kind }, content] of told) {
    const record = JSON.parse('text' in content ? content.text : '{}') as GapRecord & LedgerRecord
    if (record.stream !== stream) continue
    if (kind === 'ledger') read = Math.max(read, (record.devices as LedgerRecord['devices'])[device]?.read[0] ?? 0)
    else for (const { lost } of (record.devices as GapRecord['devices'])[device] ?? []) gone += lost[0]
  }
  return { present: data.reduce((sum, { count }) => sum + count, 0), gone, read }
}
