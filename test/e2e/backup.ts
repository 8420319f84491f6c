/**
 * `npm run break -- backup`: a backup of a processor that runs, its disk lost a while later, a restore. What was receipted in
 * between is gone, and nothing else: the ledger closes, and every missing reading lies under a gap with the reason `restored`,
 * to the number. A backup with one wrong byte restores nothing.
 */

import { execFile } from 'node:child_process'
import { closeSync, cpSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readArguments } from '@millrace/platform'
import { type Api, closingLine, openApi, up, verify, verifyDefaults } from 'millrace'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'

readArguments({ call: 'npm run break -- backup' }, {})

const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))
const millrace = (...args: string[]) => promisify(execFile)(process.execPath, [cli, ...args])
const seconds = (n: number) => new Promise((resolve) => setTimeout(resolve, n * 1000))

await program('backup', async ({ dir, atEnd, check, say }) => {
  const data = join(dir, 'data')
  const backup = join(dir, 'backup')
  const first = await up({ data, port: 0 }, say)
  let stop = first.stop
  atEnd(() => stop())
  await seconds(8)
  say((await millrace('backup', '--data', data, '--to', backup)).stdout.trim())
  await seconds(6)
  const manifest = first.manifest()
  const before = await closed(openApi(first.url))
  await first.stop()
  stop = async () => {}

  renameSync(join(data, 'processor'), join(dir, 'lost'))
  const broken = join(dir, 'broken')
  cpSync(backup, broken, { recursive: true })
  spoil(join(broken, 'store.sqlite'))
  const refusal = await millrace('restore', '--data', data, '--from', broken).then(
    () => 'it was restored',
    (error) => `${error.stderr}`,
  )
  check(refusal.includes('BACKUP_DAMAGED'), `a damaged backup is refused: ${refusal.trim().slice(0, 120)}`)
  say((await millrace('restore', '--data', data, '--from', backup)).stdout.trim())

  const second = await up({ data, port: 0 }, say)
  stop = second.stop
  const api = openApi(second.url)
  await seconds(6)
  const after = await closed(api)
  const gaps = (await api.gaps(0, Date.now())).filter(({ reason }) => reason === 'restored')
  const gone = sum(gaps.map(({ lost }) => lost ?? [0, 0]))
  check(gaps.length > 0 && gone > 0, `${gone} readings and samples lie under ${gaps.length} gaps with the reason restored`)
  const verdict = await verify(api, [manifest, second.manifest()], verifyDefaults)
  check(verdict.isWhole, `both runs: ${closingLine(verdict)}`)
  check(verdict.total.evicted === gone, `the ledger counts as gone what the gaps count: ${verdict.total.evicted}`)
  check(before.read > 0 && after.read > before.read, `it goes on: ${before.read} read before, ${after.read} after`)
  check(gone <= before.stored, `no more is gone than was stored before: ${gone} of ${before.stored}`)
})

async function closed(api: Api) {
  await until('the ledger closes', async () => (await api.ledger()).balanced)
  const { rows } = await api.ledger()
  return {
    read: sum(rows.map((row) => row.counts.edge.read)),
    stored: sum(rows.map((row) => row.stored)),
  }
}

function sum(tallies: [number, number][]): number {
  return tallies.reduce((all, [readings, samples]) => all + readings + samples, 0)
}

function spoil(path: string): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from('spoiled'), 0, 7, 5000)
  closeSync(file)
}
