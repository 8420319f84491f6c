/** What the processor says: what its store keeps, whose a device is, and what became of the readings. */
import type { PipelineStatus } from '@millrace/cloud-processor/web'
import { addTally, type Tally } from '@millrace/contract'
import type { Clock } from '@millrace/platform'
import type { Api } from '../api.ts'

const dayMs = 86_400_000

/** Nothing before it is kept. */
export async function keptFromMs(api: Api, nowMs: number): Promise<number> {
  const { keptDays = 0 } = await api.get<PipelineStatus>('/api/status')
  return keptDays === 0 ? Number.NEGATIVE_INFINITY : (Math.floor(nowMs / dayMs) - keptDays) * dayMs
}

/** Devices of other nodes. */
export async function ownersOf(api: Api, node: string): Promise<Map<string, string>> {
  const fleet = await api.fleet()
  return new Map(fleet.filter((one) => one.node !== '' && one.node !== node).map((one) => [one.device, one.node]))
}

const terms = ['stored', 'rejected', 'collapsed', 'expired', 'evicted', 'difference'] as const

/** Readings and samples of the node, by what became of them: of this import and earlier ones. */
export type Account = Record<'read' | (typeof terms)[number], Tally>

/** Waits until the ledger has all of it and closes. Undefined where it does not in time. */
export async function accountOf(api: Api, { node, total, clock }: { node: string; total: number; clock: Clock }) {
  const endMs = clock.monotonic() + waitMsMax
  for (;;) {
    const account = await sumOf(api, node)
    if (account !== undefined && account.read[0] + account.read[1] >= total) return account
    if (clock.monotonic() > endMs) return undefined
    await new Promise<void>((resolve) => void clock.after(lookEveryMs, resolve))
  }
}

const waitMsMax = 120_000
const lookEveryMs = 500

/** Undefined where more is on its way. */
async function sumOf(api: Api, node: string): Promise<Account | undefined> {
  const own = (await api.ledger()).devices.filter((one) => one.node === node)
  if (own.some(({ ahead }) => ahead[0] + ahead[1] > 0)) return undefined
  const account = Object.fromEntries(['read', ...terms].map((term) => [term, [0, 0]])) as Account
  for (const one of own) for (const term of ['read', ...terms] as const) addTally(account[term], one[term])
  return account
}

export function printAccount(account: Account): string {
  const text = ([readings, samples]: Tally) =>
    samples === 0 ? readings.toLocaleString('en-US') : `${readings.toLocaleString('en-US')} + ${samples.toLocaleString('en-US')}`
  const list = terms.filter((term) => term === 'stored' || account[term].some((count) => count !== 0))
  const all = list.map((term) => `${text(account[term])} ${term}`).join(' + ')
  return `ledger of this node: ${text(account.read)} read = ${all}`
}
