/**
 * Keeps one partition's state in the log's snapshots: what a restart continues from.
 *
 * The position must never be ahead of what the engine holds for good. So a snapshot has two states: the one at the position, and
 * a *pending* one that was taken later, at the end of a write. The pending state becomes the position when the engine has had
 * `durableAfterMs` to make all of it durable and was not restarted in between. It is in the snapshot because sessions and
 * owners of a partition may change more often than that: each would start again at the same position, and never get further.
 * Whatever a kill of the engine may lose lies above the position and is written again. Decisions are saved at once.
 *
 * Layout: u32 length of the head; the head (JSON: decisions, length of the state at the position, and of the pending state its
 * position, time, engine run and length); the state at the position (accounting/state.ts); the pending state. In format 1 the
 * head is the decisions alone, and the rest is the state at the position.
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
}

export interface Keeping {
  readonly state: AccountState
  readonly decisions: Decisions
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
  pending: Pending | undefined
  keptMs: number
  isUnsaved: boolean
}

export async function createKeeping(kept: Kept, options: KeepingOptions): Promise<Keeping> {
  const snapshot = await kept.load()
  const run = await options.run()
  const { decisions, bytes, pending } = snapshot ? unpack(snapshot.state) : fresh()
  const position = {
    base: { next: snapshot?.next ?? 0, bytes },
    // A restarted engine may have lost what a pending state of its former run counts.
    pending: pending?.run === run ? pending : undefined,
    isUnsaved: false,
  }
  const nowMs = options.clock.now()
  if (position.pending) position.pending.atMs = Math.min(position.pending.atMs, nowMs)
  if (isDurable(position.pending, options)) promote(position)
  const keeper: Keeper = {
    ...{ kept, options, run, decisions, ...position, keptMs: nowMs },
    state: decodeState(position.base.bytes),
    async saveDecisions() {
      await checkRun(keeper)
      await save(keeper)
    },
    begin: () => saveDurable(keeper),
    end: (hasRefused) => end(keeper, hasRefused),
  }
  return keeper
}

function isDurable(one: Pending | undefined, { clock, durableAfterMs }: KeepingOptions): boolean {
  return one !== undefined && clock.now() - one.atMs >= durableAfterMs
}

function promote(keeper: Pick<Keeper, 'base' | 'pending' | 'isUnsaved'>): void {
  keeper.base = keeper.pending!
  keeper.pending = undefined
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
  if (isDurable(keeper.pending, keeper.options)) {
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
  const { state, base, pending, options } = keeper
  const nowMs = options.clock.now()
  // A former owner's state may be the position, and ahead of this one: a position never falls.
  if (pending || state.next <= base.next || nowMs - keeper.keptMs < options.saveEveryMs) return
  keeper.keptMs = nowMs
  keeper.pending = { next: state.next, bytes: encodeState(state), atMs: nowMs, run: keeper.run }
  keeper.isUnsaved = true
  // What was refused is in the rejected topic when the sink calls again.
  if (!hasRefused) await saveDurable(keeper)
}

interface Unpacked {
  decisions: Decisions
  bytes: Uint8Array
  pending?: Pending
}

interface Head {
  decisions: string
  stateBytes: number
  pending?: Omit<Pending, 'bytes'> & { stateBytes: number }
}

function fresh(): Unpacked {
  return { decisions: noDecisions(), bytes: encodeState(emptyState()) }
}

function pack(decisions: Decisions, state: Uint8Array, pending: Pending | undefined): Uint8Array {
  const head: Head = { decisions: encodeDecisions(decisions), stateBytes: state.length }
  if (pending) {
    const { bytes, ...rest } = pending
    head.pending = { ...rest, stateBytes: bytes.length }
  }
  const headBytes = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(headBytes.length)
  return Buffer.concat([length, headBytes, state, ...(pending ? [pending.bytes] : [])])
}

function unpack(packed: Uint8Array): Unpacked {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const headEnd = 4 + bytes.readUInt32BE(0)
  const text = bytes.toString('utf8', 4, headEnd)
  const head = JSON.parse(text) as Partial<Head>
  if (head.stateBytes === undefined) return { decisions: decodeDecisions(text), bytes: bytes.subarray(headEnd) }
  const stateEnd = headEnd + head.stateBytes
  const decisions = decodeDecisions(head.decisions!)
  const state = bytes.subarray(headEnd, stateEnd)
  if (!head.pending) return { decisions, bytes: state }
  const { stateBytes, ...rest } = head.pending
  return { decisions, bytes: state, pending: { ...rest, bytes: bytes.subarray(stateEnd, stateEnd + stateBytes) } }
}
