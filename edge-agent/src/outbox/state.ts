/** What the outbox holds in memory: the durable state as an index, and what waits to become durable. */
import type { Declaration } from '@millrace/contract/sparkplug'
import { Cache } from './cache.ts'
import { AliasTable, firstAlias } from './declarations.ts'
import type { Entry } from './entry.ts'
import { nameMissing, numbersOf } from './gap.ts'
import { LedgerPace } from './ledger-pace.ts'
import type { Filled } from './load.ts'
import { MemoryBuffer } from './memory-buffer.ts'
import type { OutboxOptions } from './options.ts'
import type { Page } from './page.ts'
import { keys, parseRecords } from './records.ts'
import type { Shelf } from './shelf.ts'
import type { Run, Work } from './work.ts'

export interface State {
  shelf: Shelf
  cache: Cache
  aliases: AliasTable
  /** Ids of the declarations that are on the disk. */
  durable: Set<string>
  /** The current stream, as it is on the disk. */
  run: Run
  bdSeq: number
  /** What the rules on the gateway knew at their last commit of it, JSON. */
  rules: string | undefined
  /** What ../clock keeps here. */
  clock: Map<string, string>
  /** Drained and not yet durable. */
  buffer: MemoryBuffer
  /** Receipted and not yet removed from the disk. */
  freed: Set<Entry>
  /** What else the next transaction is to do. */
  next: Next
  ledgers: LedgerPace
}

export type Next = Pick<Work, 'small' | 'alarms' | 'again' | 'issueGap' | 'evict' | 'strangers'> & { aside: Set<Entry> }

/** Declarations that no entry needs are kept up to this many; a forgotten one takes new aliases if it comes back. */
const declarationsKept = 100

export function createState({ small, shelf, orphans, setAside }: Filled, options: OutboxOptions, random: () => number): State {
  const records = parseRecords(small)
  if (setAside !== undefined)
    for (const open of records.streams)
      nameMissing(records.gap, open, [...shelf.numbers(open.stream), ...numbersOf(records.gap, open.stream)])
  const state: State = {
    shelf,
    cache: new Cache(options.cacheBytesMax),
    aliases: new AliasTable(records.declarations, records.nextAlias ?? firstAlias(random)),
    durable: new Set(records.declarations.map(({ id }) => id)),
    run: {
      stream: Array.from({ length: 14 }, () => Math.floor(random() * 36).toString(36)).join(''),
      last: 0,
      nextId: shelf.lastId + 1,
      counts: new Map(),
      before: new Map(),
      lastMs: records.lastMs,
      given: records.given,
      gap: records.gap,
      open: records.streams,
      uncounted: false,
    },
    bdSeq: records.bdSeq ?? -1,
    rules: small.get(keys.rules),
    clock: records.clock,
    buffer: new MemoryBuffer(options.memoryBytesMax),
    freed: new Set(),
    next: { ...emptyNext(), aside: new Set(orphans) },
    ledgers: new LedgerPace(options.ledgerEveryMs),
  }
  forgetUnneeded(state, records.declarations)
  return state
}

export function emptyNext(): Next {
  return { small: new Map(), alarms: [], again: [], issueGap: false, aside: new Set(), evict: [], strangers: [] }
}

/** The entry is no longer on the disk. */
export function forget({ shelf, cache, freed, ledgers }: State, entry: Entry): void {
  shelf.remove(entry)
  cache.delete(entry)
  freed.delete(entry)
  ledgers.gone(entry.id)
}

export function forgetPage({ shelf, ledgers }: State, page: Page): void {
  shelf.removePage(page)
  ledgers.goneBetween(page.firstId, page.lastId)
}

/** All small records, to be written again when their file was lost. */
export function allSmall({ run, bdSeq, aliases, clock, rules }: State): Map<string, string> {
  const small = new Map([
    [keys.bdSeq, `${bdSeq}`],
    [keys.nextAlias, `${aliases.nextAlias}`],
    [keys.gap, JSON.stringify(run.gap)],
  ])
  if (rules !== undefined) small.set(keys.rules, rules)
  for (const declaration of aliases.all()) small.set(keys.declaration(declaration.id), JSON.stringify(declaration))
  for (const [key, value] of clock) small.set(keys.clock(key), value)
  for (const [device, ms] of run.lastMs) small.set(keys.lastMs(device), `${ms}`)
  for (const [device, given] of run.given) small.set(keys.given(device), JSON.stringify(given))
  for (const { stream, last, counts } of [run, ...run.open]) {
    small.set(keys.stream(stream), `${last}`)
    for (const [device, of] of counts) small.set(keys.counts(stream, device), JSON.stringify(of))
  }
  return small
}

function forgetUnneeded({ shelf, aliases, durable, next }: State, declarations: Declaration[]): void {
  const needed = new Set<string>()
  for (const unit of shelf.units()) for (const id of 'entries' in unit ? unit.declarations : [unit.declaration]) needed.add(id)
  const unneeded = declarations.filter(({ id }) => !needed.has(id))
  for (const { id } of unneeded.slice(0, Math.max(0, unneeded.length - declarationsKept))) {
    aliases.forget(id)
    durable.delete(id)
    next.small.set(keys.declaration(id), undefined)
  }
}
