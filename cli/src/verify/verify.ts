/**
 * `millrace verify <manifest>...`: is everything that the simulators produced in the store, once, unaltered, in order? What is
 * not there must be accounted for by the ledger, to the number (account.ts): a gap explains only what was never read.
 */
import type { Api } from '../api.ts'
import { type Account, sumAccounts, type Term } from './account.ts'
import { readContents } from './contents.ts'
import { type ChannelFound, verifyDevice } from './device.ts'
import { readRuns } from './runs.ts'
import { waitForCuts } from './settled.ts'

export interface VerifyOptions {
  /** A gap covers what was produced this long before and after it. */
  slackMs: number
  /** What a running simulator produced this long before the manifest's end need not be stored yet. Above `slackMs`. */
  settleMs: number
  /** How long to wait for the ledger to close, for the store to agree, and, of each device, for a moment that both are of. */
  waitMs: number
}

export const verifyDefaults: VerifyOptions = { slackMs: 1500, settleMs: 3000, waitMs: 30_000 }

export interface Verdict {
  isWhole: boolean
  channels: ChannelFound[]
  devices: Account[]
  /** Readings and samples together. `extra`: stored and not produced there, doubled or altered. */
  total: Record<Term | 'extra', number>
  /** Gaps of these devices, counted or not. */
  gaps: number
  ledgerCloses: boolean
  /** Why the ledger cannot be held against the store. */
  open: string[]
}

/** @param manifests every one of this data: the ledger counts over all runs. */
export async function verify(api: Api, manifests: string[], options: VerifyOptions): Promise<Verdict> {
  const runs = await readRuns(manifests, options)
  const names = [...new Set(runs.flatMap(({ manifest }) => manifest.devices.map(({ device }) => device)))]
  const open = await waitForCuts(api, names, Date.now() + options.waitMs)
  const patience = { agreesMs: options.waitMs, stillMs: options.waitMs }
  const fleet = await api.fleet()
  const found: ReturnType<typeof verifyDevice>[] = []
  let gapCount = 0
  for (const device of names) {
    const channels = fleet.find((one) => one.device === device)?.channels ?? []
    const contents = await readContents(api, device, channels, patience)
    if (!contents.isSettled) open.push(`${device}: readings were stored all the while it was compared`)
    const gaps = (await api.gaps(0, 8e15)).filter((gap) => gap.device === device)
    gapCount += gaps.length
    found.push(verifyDevice({ device, runs, gaps, contents, slackMs: options.slackMs }))
  }
  const devices = found.map(({ account }) => account)
  const channels = found.flatMap((one) => one.channels)
  const total = { ...sumAccounts(devices), extra: channels.reduce((sum, { extra }) => sum + extra, 0) }
  const ledgerCloses = (await api.ledger()).balanced
  const isRight = total.extra === 0 && devices.every(({ wrong }) => wrong.length === 0)
  return { isWhole: isRight && ledgerCloses && open.length === 0, channels, devices, total, gaps: gapCount, ledgerCloses, open }
}
