/**
 * The rule by which every reading of a device is accounted for; waveform samples have an account of their own.
 *
 *   produced = read + unread
 *   read     = stored + filtered + rejected + evicted + collapsed + expired
 *
 * `read` is the ledger's: what the agent decoded and committed. Only `unread` may lie under a gap without a count: no agent had
 * the port open, or it was killed before it committed. What was read and is in none of the terms is lost, whatever gap lies over
 * its time. A term counts only where it is shown: `stored` is what the store gives out, `evicted` what gaps name with a count.
 * `collapsed` is a loss too: an agent's times rise strictly, so that each of its readings has a place of its own.
 */
import type { LedgerView } from '@millrace/cloud-processor/web'
import type { Tally } from '@millrace/contract'

const terms = ['produced', 'read', 'stored', 'filtered', 'rejected', 'evicted', 'collapsed', 'expired', 'unread', 'lost'] as const
export type Term = (typeof terms)[number]

export interface Account extends Record<Term, Tally> {
  device: string
  /** What does not add up, for people. */
  wrong: string[]
}

export interface Evidence {
  device: string
  /** Of the runs that are compared. */
  produced: Tally
  /** Given out by the store from the time of these runs, and produced in them. */
  found: Tally
  /** Given out by the store, from any time. */
  foundEver: Tally
  /** Given out from other times than these runs, or not produced in them. */
  foundElse: Tally
  /** At least so many are missing outside of gaps. */
  missingOutside: Tally
  /** Counted by gaps over the time of these runs, and over other times. */
  named: { here: Tally; elsewhere: Tally }
  /** Sums of the device's cuts; absent for one that was never read. */
  ledger?: Pick<
    LedgerView['total'],
    'read' | 'stored' | 'filtered' | 'rejected' | 'evicted' | 'collapsed' | 'expired' | 'difference'
  >
  /** What the store counts now, above the cuts too. */
  counted?: Pick<LedgerView['stored'][string], 'stored' | 'collapsed' | 'expired'>
}

const units = ['readings', 'samples'] as const

export function account(evidence: Evidence): Account {
  const wrong: string[] = []
  const kinds = ([0, 1] as const).map((k) => accountOf(evidence, k, wrong))
  const all = Object.fromEntries(terms.map((term) => [term, kinds.map((kind) => kind[term])]))
  return { ...(all as Record<Term, Tally>), device: evidence.device, wrong }
}

function accountOf(evidence: Evidence, k: 0 | 1, wrong: string[]): Record<Term, number> {
  const [produced, found] = [evidence.produced[k], evidence.found[k]]
  const { filtered, rejected, collapsed, expired, evicted, unnamed, stored, difference, read } = ledgerOf(evidence, k)
  const notGivenOut = stored - evidence.foundEver[k]
  const committed = Math.max(0, notGivenOut) + Math.max(0, difference) + unnamed
  // What the ledger names, or misses, may be what is missing outside of gaps: the rest of that was never read.
  const never = Math.max(0, evidence.missingOutside[k] - (filtered + rejected + collapsed + expired + committed))
  const unread = produced - read - never
  const say = (n: number, text: string) => n > 0 && wrong.push(`${n} ${units[k]} ${text}`)
  say(notGivenOut, 'that the store counts as stored are not given out by it')
  say(-notGivenOut, 'more are given out by the store than it counts as stored')
  say(difference, 'were read and are in no term of the ledger')
  say(-difference, 'more are in the terms of the ledger than were read')
  say(unnamed, 'were evicted and no gap counts them')
  say(collapsed, 'collapsed: they were overwritten by others of the same time')
  say(never, 'were never read, and no gap says so')
  say(-unread, 'more were read than these manifests produced: name every manifest of this data')
  const lost = committed + never
  return { produced, read, stored: found, filtered, rejected, evicted: evicted - unnamed, collapsed, expired, unread, lost }
}

/** What the ledger says of these runs; what is stored above the latest cut was read as well. */
function ledgerOf({ ledger, counted, named, foundElse }: Evidence, k: 0 | 1) {
  const at = (tally: Tally | undefined) => tally?.[k] ?? 0
  const sum = (of: Evidence['counted']) => at(of?.stored) + at(of?.collapsed) + at(of?.expired)
  const above = sum(counted) - sum(ledger)
  const evicted = at(ledger?.evicted)
  const evictedElsewhere = Math.min(evicted, named.elsewhere[k])
  return {
    filtered: at(ledger?.filtered),
    rejected: at(ledger?.rejected),
    collapsed: at(counted?.collapsed),
    expired: at(counted?.expired),
    evicted: evicted - evictedElsewhere,
    unnamed: Math.max(0, evicted - evictedElsewhere - named.here[k]),
    stored: at(counted?.stored),
    difference: at(ledger?.difference),
    read: at(ledger?.read) + above - foundElse[k] - evictedElsewhere,
  }
}

export const sumOf = ([readings, samples]: Tally): number => readings + samples

/** All devices together, readings and samples. */
export function sumAccounts(accounts: Account[]): Record<Term, number> {
  const sums = terms.map((term) => [term, accounts.reduce((sum, one) => sum + sumOf(one[term]), 0)])
  return Object.fromEntries(sums) as Record<Term, number>
}
