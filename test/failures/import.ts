/**
 * An import that is killed again and again: `npm run break -- import [--rows 1000000] [--kills 30]`
 *
 * A generated CSV, some rows of which are bad by a known rule, goes through a real broker and processor, while the importing process
 * is killed by SIGKILL at random times. At the end the counts of the import, the ledger and the store are those of the rule, to one;
 * the first and the last hour are stored value for value; and nobody was called, though the rules would alarm on every value.
 *
 * At the end the harness must go red: an import whose outbox is lost is found out.
 */
import { statSync } from 'node:fs'
import { readArguments } from '@millrace/platform'
import type { Api } from 'millrace'
import { installation } from '../support/installation.ts'
import { type Program, program } from '../support/program.ts'
import { openWebhookReceiver } from '../support/webhook-receiver.ts'
import { type Done, Job } from './import/job.ts'
import { type Expected, pointsOf, type Rows, writeRows } from './import/rows.ts'

const options = { rows: { type: 'string', default: '1000000' }, kills: { type: 'string', default: '30' } } as const
const { values } = readArguments({ call: 'npm run break -- import' }, options)
const hourMs = 3_600_000
const residentMBMax = 400
const rules = [
  { name: 'low', channel: 'value', condition: 'below', set: 100, priority: 'high' },
  { name: 'silent', channel: 'value', condition: 'absent', afterMs: 5000, priority: 'high' },
]

await program('import', async (test) => {
  const webhook = await openWebhookReceiver()
  test.atEnd(() => webhook.close())
  const system = await installation(test.dir, {
    scenario: { name: 'import', devices: [{ kind: 'contec-cms50', name: 'unused', count: 1 }] },
    processor: { rules: { rules }, notifier: { to: [{ kind: 'webhook', url: webhook.url }] } },
    onUnexpectedEnd: (name, how) => test.check(false, `${name} ended by itself: ${how}`),
  })
  for (const each of [system.broker, system.processor]) {
    test.atEnd(() => each.stop())
    await each.start()
  }
  const rows: Rows = { count: Number(values.rows), startMs: Math.floor(Date.now() / hourMs) * hourMs - 20 * 24 * hourMs }
  const job = new Job(test.dir, system)
  const expected = await writeRows(job.csv, rows)
  test.say(`${rows.count} rows, ${(statSync(job.csv).size / 1e6).toFixed(0)} MB`)
  await killed(test, job, rows)
  const done = await job.finish()
  compareCounts(test, done, expected)
  await compareStore(test, system.api, { rows, expected })
  const again = await job.finish()
  test.check(
    JSON.stringify(again.files[0]!.counts) === JSON.stringify(done.files[0]!.counts),
    'another run imports nothing again',
  )
  // Long enough for the rule on silence.
  await new Promise((resolve) => setTimeout(resolve, 12_000))
  const alarms = (await system.api.alarms()).filter(
    ({ retrospective, device }) => !retrospective && device.startsWith('imported'),
  )
  test.check(alarms.length === 0, `no alarm of now: ${alarms.map(({ id }) => id).slice(0, 3)}`)
  test.check(webhook.deliveries.length === 0, `${webhook.deliveries.length} notifications`)
  await redLast(test, job, system.api)
})

/** At random times until so many kills have hit it, or it is through. */
async function killed(test: Program, job: Job, rows: Rows): Promise<void> {
  const startedMs = performance.now()
  let kills = 0
  for (; kills < Number(values.kills); kills++) {
    const run = job.start()
    const timer = setTimeout(run.kill, 700 + Math.random() * 1500)
    const { how } = await run.ended
    clearTimeout(timer)
    if (how !== 'SIGKILL') break
  }
  const done = await job.finish()
  const seconds = (performance.now() - startedMs) / 1000
  test.check(kills > 0, `${kills} kills`)
  test.check(job.highestMB < residentMBMax, `at most ${job.highestMB.toFixed(0)} MB resident; the limit is ${residentMBMax} MB`)
  test.say(
    `${rows.count} rows in ${seconds.toFixed(0)} s with ${kills} kills, stored and counted: ${JSON.stringify(done.account)}`,
  )
}

function compareCounts({ check }: Program, { files, account }: Done, expected: Expected): void {
  const [{ counts }] = files as [Done['files'][number]]
  const sorted = (reasons: object) => JSON.stringify(Object.entries(reasons).sort())
  check(JSON.stringify(counts.rows) === JSON.stringify(expected.rows), `rows: ${JSON.stringify(counts.rows)}`)
  check(sorted(counts.reasons) === sorted(expected.reasons), `refused: ${JSON.stringify(counts.reasons)}`)
  check(counts.readings.written === expected.written, `${counts.readings.written} readings written`)
  const { stored, collapsed, difference } = account ?? { stored: [0], collapsed: [0], difference: [0] }
  const isExact = stored[0] === expected.written && collapsed[0] === 0 && difference[0] === 0
  check(isExact, `the ledger: ${stored[0]} stored, ${collapsed[0]} collapsed, difference ${difference[0]}`)
}

async function compareStore({ check }: Program, api: Api, { rows, expected }: { rows: Rows; expected: Expected }) {
  const { devices } = await api.ledger()
  const wrong = [...expected.stored].filter(([name, count]) => devices.find(({ device }) => device === name)?.stored[0] !== count)
  check(wrong.length === 0, `each of ${expected.stored.size} devices has its readings${wrong.map(([name]) => ` not ${name}`)}`)
  const lastMs = rows.startMs + Math.ceil(rows.count / expected.stored.size) * 1000
  for (const fromMs of [rows.startMs, lastMs - hourMs]) {
    const points = await api.exportPoints('imported-3', 'value', fromMs, fromMs + hourMs)
    const wanted = pointsOf(3, rows, { fromMs, toMs: fromMs + hourMs })
    const isSame = JSON.stringify(points.map(({ t, v }) => ({ t, v }))) === JSON.stringify(wanted)
    check(isSame && wanted.length > 0, `${points.length} values from ${new Date(fromMs).toISOString()} are those of the file`)
  }
}

/** Without its outbox the import reads again what was sent: the ledger must say so. */
async function redLast({ check }: Program, job: Job, api: Api): Promise<void> {
  job.forget()
  await job.finish()
  const collapsed = (await api.ledger()).total.collapsed[0]
  check(collapsed > 0, `planted: an outbox that is lost: found by ${collapsed} collapsed readings`)
}
