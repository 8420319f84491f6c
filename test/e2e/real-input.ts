/**
 * Recordings of real devices through the whole length, real processes and pseudo-terminals, as fast as they are taken: nothing
 * lost, doubled or altered, in device counts; bad sentences rejected one by one.
 *
 *     node test/e2e/real-input.ts [--recordings <dir>] [--quick]
 *
 * `--quick` plays the first minute of each WFDB record. Times of samples are compressed by such a replay: values and their
 * order are what is compared.
 */
import { writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { RejectedRecord } from '@millrace/contract'
import { readArguments } from '@millrace/platform'
import { readManifest } from '@millrace/simulators'
import { type Api, closingLine, openApi, printVerdict, type Running, up, verify, verifyDefaults } from 'millrace'
import { stringify } from 'yaml'
import { CannotRun, type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { badSentences, checksumOf, missing, readRecord, type Signal, sliceRecord } from './real-input-recordings.ts'

const records = ['ecg-mitdb/100.hea', 'ecg-mitdb/101.hea', 'ecg-mitdb/106.hea', 'bedside-waveforms/03700181.hea']
const garbageLog = 'gps-nmea/gpsd/gp-320fw-2019-04-07-coldboot.log'
const logs = [
  'gps-nmea/gps.log',
  'gps-nmea/gpsd/bu353s4.log',
  garbageLog,
  'gps-nmea/gpsd/haicom-305N.log',
  'gps-nmea/gpsd/telit-he910.log',
]
const quickSeconds = 60
const settleMs = 60_000

const { values: given } = readArguments(
  { call: 'npm run break -- real-input' },
  { recordings: { type: 'string' }, quick: { type: 'boolean', default: false } },
)
const folder = resolve(given.recordings ?? join(import.meta.dirname, '../../../shared/recordings'))

await program('real-input', async (context) => {
  const lacking = missing(folder, [...records, ...logs])
  if (lacking.length > 0) throw new CannotRun(`${folder} lacks ${lacking.join(', ')}; name their folder with --recordings`)
  const headers = records.map((path) =>
    given.quick ? sliceRecord(join(folder, path), quickSeconds, context.dir) : join(folder, path),
  )
  const running = await play(context, [...headers, ...logs.map((path) => join(folder, path))])
  const api = openApi(running.url)
  await running.simulated
  context.say('all recordings are played')
  await settle(context, api, running.manifest())
  const verdict = await verify(api, [running.manifest()], verifyDefaults)
  const { produced, stored, unread } = verdict.total
  context.check(verdict.isWhole && produced === stored, `verify: ${closingLine(verdict)}`)
  if (!verdict.isWhole) context.say(printVerdict(verdict))
  context.check(unread === 0, `${unread} were never read`)
  for (const header of headers) await compareRecord(context, api, header)
  for (const log of logs) await compareRejected(context, api, log)
})

async function play({ dir, say, atEnd }: Program, recordings: string[]): Promise<Running> {
  const scenario = join(dir, 'scenario.yaml')
  const devices = recordings.map((recording) => ({ name: nameOf(recording), recording }))
  writeFileSync(scenario, stringify({ name: 'real-input', devices }))
  const running = await up({ data: join(dir, 'data'), scenario, port: 0, speed: 'max', rules: [] }, say)
  atEnd(running.stop)
  say(`running at ${running.url}, playing ${recordings.length} recordings`)
  return running
}

/** A device id may begin with a letter or digit and holds no dots. */
function nameOf(recording: string): string {
  return basename(recording)
    .replace(/\.(hea|log)$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
}

/** Waits until the store holds as much as was produced, or no more comes. */
async function settle({ check, say }: Program, api: Api, path: string): Promise<void> {
  const totals = Object.values((await readManifest(path)).totals ?? {})
  const produced = totals.reduce((sum, { readings, samples }) => sum + readings + samples, 0)
  const startedMs = performance.now()
  const ledger = await until(
    'the ledger closes over all that was produced',
    async () => {
      const view = await api.ledger()
      const { read } = view.total
      return (read[0] + read[1] >= produced && view.balanced && view.inFlight.outboxRows < 20) ||
        performance.now() - startedMs > settleMs
        ? view
        : undefined
    },
    { withinMs: settleMs + 5000, everyMs: 500 },
  )
  const { read, stored, rejected, evicted, collapsed } = ledger.total
  say(`ledger: read ${read}, stored ${stored}, rejected ${rejected}, evicted ${evicted}, collapsed ${collapsed}`)
  check(ledger.balanced, 'the ledger closes')
  check(read[0] + read[1] === produced, `the agent read ${read[0] + read[1]} of ${produced} readings and samples`)
  check(collapsed[0] + collapsed[1] === 0, 'nothing collapsed')
}

async function compareRecord({ check }: Program, api: Api, header: string): Promise<void> {
  const record = readRecord(header)
  const fleet = await api.fleet()
  for (const signal of record.signals) {
    const device = fleet.find(
      ({ device, channels }) => device.startsWith(nameOf(header)) && channels.some(({ name }) => name === signal.name),
    )
    const segments = device ? await api.exportSegments(device.device, signal.name, 0, Date.now() + 86_400_000) : []
    const stored = segments.flatMap(({ v }) => v)
    const expected = expectedOf(signal)
    const wrong = expected.findIndex((value, k) => stored[k] !== value)
    const sum = checksumOf([...signal.samples.subarray(0, signal.skew), ...stored.slice(0, stored.length - signal.skew)])
    check(
      stored.length === expected.length && wrong < 0 && sum === signal.checksum,
      `${basename(header)} ${signal.name}: ${stored.length} samples from ${stored[0]} to ${stored.at(-1)} in ${segments.length} segments, sum ${sum}; in the file ${expected.length} from ${expected[0]} to ${expected.at(-1)}, sum ${signal.checksum}${wrong < 0 ? '' : `; first difference at ${wrong}`}`,
    )
  }
}

/** Samples of a skewed signal begin later, and end with the format's "no sample". */
function expectedOf({ samples, skew }: Signal): number[] {
  return [...samples.subarray(skew), ...new Array<number>(skew).fill(-2048)]
}

async function compareRejected({ check }: Program, api: Api, path: string): Promise<void> {
  const expected = badSentences(join(folder, path))
  const device = nameOf(path)
  const found = (await allRejected(api)).filter((rejected) => rejected.device === device)
  const texts = found.map(({ bytesBase64 }) => Buffer.from(bytesBase64, 'base64').toString('latin1'))
  check(
    texts.length === expected.length && expected.every((text, k) => texts[k] === text),
    `${basename(path)}: ${found.length} rejected one by one, ${expected.length} bad sentences in the file`,
  )
}

async function allRejected(api: Api): Promise<RejectedRecord[]> {
  const all: RejectedRecord[] = []
  for (let from = 0; ; ) {
    const page = await api.log('rejected', 0, from)
    if (page.records.length === 0) return all
    all.push(...page.records.map(({ record }) => record as unknown as RejectedRecord))
    from = page.records.at(-1)!.offset + 1
  }
}
