/**
 * An upgrade without losing a reading: `node test/e2e/upgrade.ts [--from folder | --commit id] [--seconds 15] [--log kafka]`
 *
 * An earlier version runs on simulated devices. Processor, broker and agent are killed at load, one after the other, so that the
 * outbox, the log, the notifications and the broker's sessions hold what is half done. Then this version is started on the same
 * folders and topics: the ledger closes, and what both versions' devices produced is in the store once and unaltered, or named.
 */
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { type Api, closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { isMissing, obtain } from '../engines/index.ts'
import { type Installation, type Layout, layOut, programsOf } from '../support/installation.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { openWebhookReceiver } from '../support/webhook-receiver.ts'
import { checkOut, findIn } from './upgrade/earlier.ts'

const { values } = readArguments(
  { call: 'npm run break -- upgrade' },
  {
    from: { type: 'string' },
    // The last version before the code was put into its present order.
    commit: { type: 'string', default: '93a8b0b' },
    seconds: { type: 'string', default: '15' },
    log: { type: 'string', default: 'embedded' },
  },
)

const seconds = (n: number) => new Promise((done) => setTimeout(done, n * 1000))

const scenario = {
  name: 'upgrade',
  distinct: true,
  devices: [
    { kind: 'contec-cms50', name: 'oximeter', count: 8 },
    { kind: 'contec-cms50', name: 'old-oximeter', decoder: { framing: 'old' } },
    { kind: 'openbci-cyton', name: 'amplifier' },
    { kind: 'nmea-0183', name: 'gps' },
  ],
}
/** Raised at once and never cleared, so that its notification is as due after the upgrade as before. */
const rules = [{ name: 'measured', channel: 'pulse_rate', condition: 'above', set: 1, priority: 'low' }]

await program('upgrade', async (test) => {
  const { dir, check, say, atEnd } = test
  const folder = values.from ? resolve(values.from) : join(dir, 'earlier')
  if (!values.from) checkOut(values.commit, folder)
  const find = findIn(folder)
  const webhookPort = await freePort()
  const layout = await layOut(dir, {
    scenario,
    broker: { store: { path: join(dir, 'sessions.sqlite') } },
    processor: {
      ...(await logConfig(test)),
      runner: { snapshotEveryMs: 3000 },
      rules: { rules },
      notifier: { to: [{ kind: 'webhook', url: `http://127.0.0.1:${webhookPort}/` }], retryMsMax: 1000 },
    },
  })
  const onUnexpectedEnd = (name: string, how: string) => check(false, `${name} ended by itself: ${how}`)
  const before = programsOf(layout, { find, manifest: 'manifest-1.jsonl', onUnexpectedEnd })
  const after = programsOf(layout, { manifest: 'manifest-2.jsonl', onUnexpectedEnd })
  for (const { broker, processor, agent, simulator } of [before, after])
    for (const each of [broker, processor, agent, simulator]) atEnd(() => each.stop())

  if (values.log === 'kafka') {
    const cli = join(folder, 'cli/src/main.ts')
    execFileSync(process.execPath, [cli, 'setup', '--config', layout.path('processor.yaml')])
  }
  await startAll(before)
  say(`the earlier version runs from ${folder}`)
  await seconds(Number(values.seconds))
  const storedBefore = await stored(before.api)
  await killAll(before)
  const left = whatIsLeft(layout)
  say(`killed with ${storedBefore} readings and samples stored`)
  check(left.entries > 0 && left.bytes > 0, `its outbox holds ${left.entries} entries, ${left.bytes} bytes`)
  check(left.keys.length > 0, `${left.keys.length} of its notifications wait`)

  const receiver = await openWebhookReceiver(0, webhookPort)
  atEnd(() => receiver.close())
  await startAll(after)
  say('this version runs on the same folders')
  await seconds(8)
  await after.simulator.stop()
  await until('its notifications are delivered', () =>
    left.keys.every((key) => receiver.deliveries.some((one) => one.key === key)),
  )
  const verdict = await verify(after.api, [before.manifest, after.manifest], verifyDefaults)
  if (!verdict.isWhole) say(printVerdict(verdict))
  check(verdict.isWhole && verdict.ledgerCloses, `of both versions: ${closingLine(verdict)}`)
  const { lost, extra, collapsed } = verdict.total
  check(lost + extra + collapsed === 0, `${lost} lost, ${extra} doubled or altered, ${collapsed} collapsed`)
  const storedAfter = await stored(after.api)
  check(storedBefore > 1000 && storedAfter > storedBefore, `${storedBefore} were stored before, ${storedAfter} after`)
  const doubled = left.keys.filter((key) => receiver.deliveries.filter((one) => one.key === key).length !== 1)
  check(doubled.length === 0, `each of these notifications came once; not so: ${doubled.length}`)
})

/** @throws CannotRun */
async function logConfig({ dir, atEnd, say }: Program): Promise<object> {
  if (values.log !== 'kafka') return {}
  const kafka = await obtain('kafka', { dir: join(dir, 'kafka') }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  atEnd(() => kafka.stop())
  return { log: { kind: 'kafka', brokers: [kafka.address], partitions: 2, replicas: 1 } }
}

async function startAll({ simulator, broker, processor, agent }: Installation): Promise<void> {
  await Promise.all([simulator.start(), broker.start()])
  await processor.start()
  await agent.start()
}

/** The agent last: what it reads with nobody to receipt it stays in its outbox. */
async function killAll({ simulator, broker, processor, agent }: Installation): Promise<void> {
  await processor.kill()
  await seconds(1)
  await broker.kill()
  await seconds(2)
  await agent.kill()
  await simulator.stop()
}

function whatIsLeft({ path }: Layout) {
  const ask = (file: string, sql: string) => {
    const db = new DatabaseSync(path(file), { readOnly: true })
    const rows = db.prepare(sql).all()
    db.close()
    return rows
  }
  const [{ entries, bytes } = {}] = ask(
    'agent/outbox.sqlite',
    'SELECT count(*) AS entries, sum(length(payload)) AS bytes FROM entry',
  )
  const waiting = ask('processor/notifier.sqlite', `SELECT key FROM notifications WHERE state = 'pending'`)
  const keys = waiting.map(({ key }) => `${key}`)
  return { entries: Number(entries), bytes: Number(bytes), keys }
}

async function stored(api: Api): Promise<number> {
  return Object.values((await api.ledger()).stored).reduce((sum, { stored: [readings, samples] }) => sum + readings + samples, 0)
}
