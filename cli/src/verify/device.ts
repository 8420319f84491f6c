/** One device: each channel of each run is compared, and what is missing is accounted for. */

import type { StoredGap } from '@millrace/cloud-processor/stores'
import { addTally, type Channel, type Tally } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import { type Account, account, type Evidence } from './account.ts'
import type { Produced } from './align.ts'
import { type Comparison, compare, spansOf } from './compare.ts'
import type { Contents } from './contents.ts'
import { ownOf, producedOf, type Run } from './runs.ts'

export interface Question {
  device: string
  runs: Run[]
  /** Of this device, over all time. */
  gaps: StoredGap[]
  contents: Contents
  slackMs: number
}

export interface ChannelFound extends Comparison {
  device: string
  channel: string
}

export function verifyDevice(question: Question): { account: Account; channels: ChannelFound[] } {
  const { device, runs, gaps, contents } = question
  const sums = { produced: tally(), given: tally(), extra: tally(), lost: tally() }
  const channels: ChannelFound[] = []
  for (const run of runs) {
    const declared = run.manifest.devices.find((one) => one.device === device)?.channels ?? []
    for (const channel of declared) {
      const found = compareChannel(question, run, declared, channel)
      if (!found) continue
      const kind = kindOf(channel)
      for (const term of ['produced', 'given', 'extra', 'lost'] as const) sums[term][kind] += found[term]
      channels.push({ ...found, device, channel: channel.name })
    }
  }
  const evidence: Evidence = {
    device,
    produced: sums.produced,
    found: minus(sums.given, sums.extra),
    foundEver: contents.found,
    foundElse: minus(contents.found, sums.given),
    missingOutside: sums.lost,
    named: namedIn(gaps, runs),
    ...ledgerOf(contents, device),
  }
  return { account: account(evidence), channels }
}

function compareChannel({ device, gaps, contents, slackMs }: Question, run: Run, declared: Channel[], channel: Channel) {
  const produced = producedOf(run, device, channel)
  if (produced.v.length === 0) return undefined
  const own = (name: string): Produced => ownOf(run, contents.series.get(name) ?? { t: [], v: [] })
  // Before the agent first had the port open nobody listened, and nobody was there to record a gap.
  const opened = Math.min(...declared.map(({ name }) => own(name).t[0] ?? Number.POSITIVE_INFINITY))
  const unopened = Number.isFinite(opened) ? [{ fromMs: Number.NEGATIVE_INFINITY, toMs: opened }] : []
  const spans = [...spansOf(gaps, channel.name), ...unopened]
  const isThinned = isThinnedBy(ledgerOf(contents, device), kindOf(channel))
  return compare({ run, produced, stored: own(channel.name), gaps: spans, slackMs, isThinned })
}

function ledgerOf({ ledger }: Contents, device: string): Pick<Evidence, 'ledger' | 'counted'> {
  const sum = ledger.devices.find((one) => one.device === device)
  const counted = ownValue(ledger.stored, device)
  return { ...(sum ? { ledger: sum } : {}), ...(counted ? { counted } : {}) }
}

function isThinnedBy({ ledger, counted }: Pick<Evidence, 'ledger' | 'counted'>, kind: 0 | 1): boolean {
  return [ledger?.filtered, ledger?.rejected, counted?.expired].some((of) => (of?.[kind] ?? 0) > 0)
}

/** Only gaps of what was read have a count. */
function namedIn(gaps: StoredGap[], runs: Run[]): Evidence['named'] {
  const named = { here: tally(), elsewhere: tally() }
  for (const { fromMs, toMs = Number.POSITIVE_INFINITY, lost } of gaps) {
    if (!lost) continue
    const isHere = runs.some((run) => fromMs <= run.toMs && toMs >= run.fromMs)
    addTally(isHere ? named.here : named.elsewhere, lost)
  }
  return named
}

const kindOf = ({ kind }: Channel) => (kind === 'waveform' ? 1 : 0)
const tally = (): Tally => [0, 0]
const minus = (a: Tally, b: Tally): Tally => [a[0] - b[0], a[1] - b[1]]
