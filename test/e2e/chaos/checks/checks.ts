/** Every promise that the run can speak for, as a line that holds or does not. */
import { type Manifest, readManifest } from '@millrace/simulators'
import { copiesSay } from '../bugs.ts'
import { deadSensors } from '../dead-sensors.ts'
import { compareAlarms } from './alarms.ts'
import { runReplay, runVerify, sayVerdict } from './command-line.ts'
import { type Committed, compareCommitted, compareRead, explainedAway } from './committed.ts'
import { compareCopies } from './copies.ts'
import { compareDisks } from './disks.ts'
import { compareGaps } from './gaps.ts'
import { openLogView } from './log.ts'
import { findOutages } from './outages.ts'
import { compareReceipts, readNames } from './receipts.ts'
import { compareRejected } from './rejected.ts'
import { replayShared } from './replay.ts'
import type { Run } from './run.ts'
import { checkShared } from './shared.ts'
import { readStored } from './stored.ts'

export interface Finding {
  isSo: boolean
  what: string
}

/** At least so many a second of the run. */
const least = { faults: 0.25, readings: 400, samples: 4000 }

/** What was found until a check could not go on stays in `findings`. */
export async function checkEverything(run: Run, findings: Finding[]): Promise<void> {
  const { installation, ledgers, faults, windows, last, seconds, startedMs, endMs } = run
  const { api, agents } = installation
  const find = (isSo: boolean, what: string) => void findings.push({ isSo, what })
  const none = (wrong: string[], what: string) =>
    find(wrong.length === 0, wrong.length === 0 ? what : `${what}; wrong ${wrong.length} times: ${wrong.slice(0, 3).join(' | ')}`)

  const log = await openLogView(installation)
  const manifest = await readManifest(installation.manifest)
  const devicesOf = (agent: string) => agents.find(({ name }) => name === agent)!.devices
  const outages = findOutages(faults.strikes, ledgers.lines, devicesOf, { atMs: startedMs, endMs })

  const struck = Map.groupBy(faults.strikes, ({ kind }) => kind)
  const idle = faults.kinds.filter((kind) => !struck.has(kind))
  none(
    idle.map((kind) => `${kind} never struck`),
    `${faults.strikes.length} faults struck, of ${struck.size} kinds`,
  )
  if (!faults.isPart) find(faults.strikes.length >= least.faults * seconds, `at least ${least.faults * seconds} faults struck`)
  const open = [...windows, last].map((window) => window.open).filter((why) => why !== undefined)
  none(open, `the ledger closed in ${windows.length} quiet windows and at the end`)

  const { readings, samples } = offered(manifest)
  const rate = (count: number) => Math.round((count * 1000) / (endMs - manifest.startedMs))
  find(
    rate(readings) >= least.readings && rate(samples) >= least.samples,
    `${manifest.devices.length} devices offered ${rate(readings)} readings and ${rate(samples)} samples a second`,
  )

  // A kill keeps from us what was committed in one transaction, a tenth of a second's worth, more when the disk is slow.
  const unseenMax = (struck.get('kill -9 agent')?.length ?? 0) * rate(readings + samples)
  const sayCommitted = ({ lost, altered, doubled, unseen, first }: Committed, where = '') =>
    find(
      lost + altered + doubled === 0 && unseen <= unseenMax,
      `${where}${ledgers.readings} readings and ${ledgers.samples} samples committed: ${lost} lost, ${altered} altered, ${doubled} doubled (${unseen} stored whose commit a kill kept from us)${first ? `; first: ${first}` : ''}`,
    )
  const committed = compareCommitted(ledgers, await readStored(api))
  sayCommitted(committed)
  const verdict = await runVerify(installation)
  find(verdict.isWhole, sayVerdict(verdict))
  none(
    [...compareRead(ledgers, verdict.devices, unseenMax), ...explainedAway(committed, verdict)],
    'verify counts as read what the outboxes committed, and as lost what is missing of it',
  )
  const { evicted, rejected } = verdict.total
  find(evicted + rejected === 0, `ledger: evicted ${evicted}, rejected ${rejected}`)

  const gapFinding = compareGaps(await api.gaps(0, 8e15), outages, endMs, (device) =>
    installation.devices.find((one) => one.device === device)!.kind === 'nmea-0183' ? 1000 : 100,
  )
  const perDevice = (ms: number) => (ms / 1000 / installation.devices.length).toFixed(1)
  none(
    gapFinding.wrong,
    `${gapFinding.gaps} gaps, ${perDevice(gapFinding.gapMs)} s a device, within outages of ${perDevice(gapFinding.outageMs)} s a device and a second a fault`,
  )

  const replayed = installation.shared ? await replayShared(installation, log.log!) : await runReplay(installation)
  find(replayed.isSame, `replay check: ${replayed.text.replaceAll('\n', '; ')}`)
  none(
    compareReceipts(ledgers, await readNames(log)),
    `${ledgers.receipted.size} entries in ${ledgers.receipts} receipts, ${ledgers.freed.size} freed: all in raw, none receipted before`,
  )
  none(ledgers.aside, 'no batch was set aside as poison')

  const alarms = await compareAlarms(installation, log, ledgers, faults.strikes)
  none(
    alarms.wrong,
    `${alarms.due} notifications due (${alarms.physiological} physiological), ${alarms.delivered} delivered, ${alarms.repeats} repeated around kills, ${alarms.withheld} withheld`,
  )
  find(alarms.physiological > 0 && alarms.delivered > 0, 'the ordered desaturations raised alarms')

  const copies = await compareCopies(log, api, deadSensors)
  none(
    copies.wrong,
    `${copiesSay}${copies.copies} of ${copies.devices} dead sensors, told ${copies.lastKnown} times as last known; ${copies.readings} messages are all their readings, ${copies.active} absence alarms are active and none was cleared by a copy (${copies.cleared} by messages that came late)`,
  )
  find(copies.copies > 0, `${copiesSay}at least one came`)

  const kindOf = (device: string) => installation.devices.find((one) => one.device === device)!.kind
  const bad = await compareRejected(log, manifest.faults, outages, kindOf)
  none(
    bad.wrong,
    `${bad.planted} pieces of garbage on the lines: ${bad.rejected} rejected, ${bad.unread} lost in outages; ${bad.cut} frames cut by outages`,
  )

  const disks = await compareDisks(installation)
  none(
    disks.wrong,
    `disks at their floor: ${disks.entries} entries in the outboxes, write-ahead logs of at most ${Math.ceil(disks.walBytes / 1024)} KiB`,
  )
  const noise = new Set(outages.filter(({ why }) => why.startsWith('noise')).map(({ why, fromMs }) => `${why} ${fromMs}`))
  if (installation.shared) await checkShared(run, installation.shared, log, { find, none, sayCommitted })
  await log.close()
  if (noise.size > 0) find(true, `noise: the machine held an agent up ${noise.size} times: ${[...noise].slice(0, 3).join(' | ')}`)
}

/** What the instruments sent, whether or not their lines could take it. */
function offered({ totals = {}, faults }: Manifest): { readings: number; samples: number } {
  const all = { readings: 0, samples: 0 }
  for (const [device, { readings, samples, frames }] of Object.entries(totals)) {
    const lost = sum(faults, (fault) => (fault.device === device ? (fault.frames ?? 0) : 0))
    all.readings += readings * (1 + lost / frames)
    all.samples += samples * (1 + lost / frames)
  }
  return all
}

function sum<T>(items: T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
