/**
 * Keeps one partition's state in the log's snapshots: what a restart continues from.
 *
 * The position must never be ahead of what the engine holds for good. So a snapshot has the state at the position, and *pending*
 * ones that were taken later, each at the end of a write. A pending state becomes the position when the engine has had
 * `durableAfterMs` to make all of it durable and was not restarted in between. Whatever a kill of the engine may lose lies above
 * the position and is written again. Decisions are saved at once.
 *
 * Sessions and owners of a partition may change more often than that. While the engine runs on, a new one goes on from the newest
 * pending state, so that what was written is not written again, and a session keeps its state soon after it began, then less and
 * less often. It prefers one of which its writer saw the time pass after which the engine's answers show all of it: else the
 * first question to the engine has to wait so long. The oldest pending state stays until it is the position; of the others the
 * newest and the newest that is shown are kept.
 *
 * Layout: u32 length of the head; the head (JSON: decisions, length of the state at the position, and of each pending state its
 * position, time, engine run, whether it is shown, and length); the state at the position (accounting/state.ts); the pending
 * states. In format 2 there is at most one of them (`pending`). In format 1 the head is the decisions alone, and the rest is the state at the position.
 */
import type { Clock } from '@millrace/platform'
import type { Kept } from '../../stage/index.ts'
import {
  type AccountState,
  type Decisions,
  decodeDecisions,
  decodeState,
  emptyState,
  encodeDecisions,
  encodeState,
  noDecisions,
} from '../accounting/index.ts'

export interface KeepingOptions {
  saveEveryMs: number
  durableAfterMs: number
  /** How long answers may lack what was written. */
  visibleAfterMs: number
  clock: Clock
  /** Another text after every start of the engine. */
  run(): Promise<string>
}

interface Position {
  next: number
  bytes: Uint8Array
}

/** The state after a write that the engine may still lose. */
interface Pending extends Position {
  /** Wall time: another process may be the one that waits. */
  atMs: number
  /** Of the engine when the session of the write began. */
  run: string
  /** The engine's answers show all that it counts. */
  isShown?: true
}

export interface Keeping {
  readonly state: AccountState
  readonly decisions: Decisions
  /** The engine's answers show all that the state counted when this session began. */
  readonly isShown: boolean
  /** Decisions were added: durable when resolved. @throws Error when the engine was restarted: its answers may lack what it lost */
  saveDecisions(): Promise<void>
  /** Before a write: saves what has become durable. @throws Error when the engine was restarted and may have lost some */
  begin(): Promise<void>
  /** After a write. */
  end(hasRefused: boolean): Promise<void>
}

interface Keeper extends Keeping {
  kept: Kept
  options: KeepingOptions
  /** Of the engine when this session began. */
  run: string
  base: Position
  /** The oldest first. */
  pending: Pending[]
  /** Of pending states that are not shown yet: monotonic time from which they are. */
  shownFromMs: WeakMap<Pending, number>
  keptMs: number
  /** Between the last state that was taken and the next. */
  restMs: number
  isUnsaved: boolean
}

/** Between the first two states that a session keeps; twice as long before each further one. */
const firstRestMs = 250

export async function createKeeping(kept: Kept, options: KeepingOptions): Promise<Keeping> {
  const snapshot = await kept.load()
  const run = await options.run()
  const { decisions, bytes, pending } = snapshot ? unpack(snapshot.state) : fresh()
  const nowMs = options.clock.now()
  const position = {
    base: { next: snapshot?.next ?? 0, bytes },
    // A restarted engine may have lost what a pending state of its former run counts.
    pending: pending.filter((one) => one.run === run).map((one) => ({ ...one, atMs: Math.min(one.atMs, nowMs) })),
    isUnsaved: false,
  }
  while (isDurable(position.pending[0], options)) promote(position)
  const from = newestShown(position.pending) ?? position.pending.at(-1) ?? position.base
  const shownFromMs = new WeakMap(position.pending.map((one) => [one, options.clock.monotonic() + options.visibleAfterMs]))
  const keeper: Keeper = {
    ...{ kept, options, run, decisions, ...position, shownFromMs, keptMs: Number.NEGATIVE_INFINITY, restMs: firstRestMs },
    state: decodeState(from.bytes),
    isShown: from === position.base ? snapshot !== undefined : (from as Pending).isShown === true,
    async saveDecisions() {
      await checkRun(keeper)
      await save(keeper)
    },
    begin() {
      show(keeper)
      return saveDurable(keeper)
    },
    end: (hasRefused) => end(keeper, hasRefused),
  }
  return keeper
}

function isDurable(one: Pending | undefined, { clock, durableAfterMs }: KeepingOptions): boolean {
  return one !== undefined && clock.now() - one.atMs >= durableAfterMs
}

const newestShown = (pending: Pending[]) => pending.findLast(({ isShown }) => isShown)

/** Marks what answers show by now, and drops the pending states that are of no use beside it. */
function show(keeper: Keeper): void {
  const nowMs = keeper.options.clock.monotonic()
  for (const one of keeper.pending)
    if (!one.isShown && nowMs >= keeper.shownFromMs.get(one)!) {
      one.isShown = true
      keeper.isUnsaved = true
    }
  const shown = newestShown(keeper.pending)
  keeper.pending = keeper.pending.filter((one, k, { length }) => k === 0 || k === length - 1 || one === shown)
}

function promote(keeper: Pick<Keeper, 'base' | 'pending' | 'isUnsaved'>): void {
  keeper.base = keeper.pending.shift()!
  keeper.isUnsaved = true
}

async function checkRun({ options, run }: Keeper): Promise<void> {
  if ((await options.run()) !== run) throw new Error('the engine was restarted')
}

async function save(keeper: Keeper): Promise<void> {
  const { base, pending, decisions } = keeper
  await keeper.kept.save({ next: base.next, state: pack(decisions, base.bytes, pending) })
  keeper.isUnsaved = false
}

async function saveDurable(keeper: Keeper): Promise<void> {
  if (isDurable(keeper.pending[0], keeper.options)) {
    await checkRun(keeper)
    promote(keeper)
    forgetDecisions(keeper)
  }
  if (keeper.isUnsaved) await save(keeper)
}

/** Decisions about what is in the state and below the position: a pending state of a former owner may be ahead of this state. */
function forgetDecisions({ base, state, decisions }: Keeper): void {
  const below = Math.min(base.next, state.next)
  for (const key of decisions.collapsed.keys())
    if (Number(key.slice(0, key.indexOf(' '))) < below) decisions.collapsed.delete(key)
  const known = decodeState(base.bytes).devices
  for (const device of decisions.adopted.keys())
    if (known.has(device) && state.devices.has(device)) decisions.adopted.delete(device)
}

async function end(keeper: Keeper, hasRefused: boolean): Promise<void> {
  const { state, base, pending, options, restMs } = keeper
  const nowMs = options.clock.now()
  const newest = pending.at(-1) ?? base
  const dueMs = keeper.keptMs + (pending.length === 0 ? Math.min(restMs, options.saveEveryMs) : restMs)
  if (state.next <= newest.next || nowMs < dueMs) return
  keeper.keptMs = nowMs
  // Once states of this session become the position in its own time, one at a time is enough.
  keeper.restMs = Math.min(2 * restMs, Math.max(options.durableAfterMs, options.saveEveryMs))
  const taken: Pending = { next: state.next, bytes: encodeState(state), atMs: nowMs, run: keeper.run }
  keeper.shownFromMs.set(taken, options.clock.monotonic() + options.visibleAfterMs)
  keeper.pending.push(taken)
  keeper.isUnsaved = true
  show(keeper)
  // What was refused is in the rejected topic when the sink calls again.
  if (!hasRefused) await saveDurable(keeper)
}

interface Unpacked {
  decisions: Decisions
  bytes: Uint8Array
  pending: Pending[]
}

type PendingHead = Omit<Pending, 'bytes'> & { stateBytes: number }

interface Head {
  decisions: string
  stateBytes: number
  /** Format 2: one. */
  pending?: PendingHead | PendingHead[]
}

function fresh(): Unpacked {
  return { decisions: noDecisions(), bytes: encodeState(emptyState()), pending: [] }
}

function pack(decisions: Decisions, state: Uint8Array, pending: Pending[]): Uint8Array {
  const heads = pending.map(({ bytes, ...rest }): PendingHead => ({ ...rest, stateBytes: bytes.length }))
  const head: Head = { decisions: encodeDecisions(decisions), stateBytes: state.length, pending: heads }
  const headBytes = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(headBytes.length)
  return Buffer.concat([length, headBytes, state, ...pending.map((one) => one.bytes)])
}

function unpack(packed: Uint8Array): Unpacked {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const headEnd = 4 + bytes.readUInt32BE(0)
  const text = bytes.toString('utf8', 4, headEnd)
  const head = JSON.parse(text) as Partial<Head>
  if (head.stateBytes === undefined) return { decisions: decodeDecisions(text), bytes: bytes.subarray(headEnd), pending: [] }
  let at = headEnd + head.stateBytes
  const state = bytes.subarray(headEnd, at)
  const pending: Pending[] = []
  for (const { stateBytes, ...rest } of [head.pending ?? []].flat()) {
    pending.push({ ...rest, bytes: bytes.subarray(at, at + stateBytes) })
    at += stateBytes
  }
  return { decisions: decodeDecisions(head.decisions!), bytes: state, pending }
}
