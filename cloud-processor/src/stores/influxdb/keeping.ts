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

export async function createKeeping(kept: Kept, options: KeepingOptions): Promise<Keeping> {
  const { clock, saveEveryMs, durableAfterMs } = options
  const snapshot = await kept.load()
  const run = await options.run()
  const found = snapshot ? unpack(snapshot.state) : fresh()
  const { decisions } = found
  let base: Position = { next: snapshot?.next ?? 0, bytes: found.bytes }
  // A restarted engine may have lost what a pending state of its former run counts.
  let pending = found.pending?.run === run ? found.pending : undefined
  if (pending) pending.atMs = Math.min(pending.atMs, clock.now())
  const hadDurable = isDurable(pending)
  if (hadDurable) promote()
  const state = decodeState(base.bytes)
  let keptMs = clock.now()
  let isUnsaved = hadDurable

  function isDurable(one: Pending | undefined): one is Pending {
    return one !== undefined && clock.now() - one.atMs >= durableAfterMs
  }

  function promote(): void {
    base = pending!
    pending = undefined
  }

  async function save(): Promise<void> {
    await kept.save({ next: base.next, state: pack(decisions, base.bytes, pending) })
    isUnsaved = false
  }

  /** Decisions about what is in the state and below the position: a pending state of a former owner may be ahead of this state. */
  function forgetDecisions(): void {
    const below = Math.min(base.next, state.next)
    for (const key of decisions.collapsed.keys())
      if (Number(key.slice(0, key.indexOf(' '))) < below) decisions.collapsed.delete(key)
    const known = decodeState(base.bytes).devices
    for (const device of decisions.adopted.keys())
      if (known.has(device) && state.devices.has(device)) decisions.adopted.delete(device)
  }

  async function checkRun(): Promise<void> {
    if ((await options.run()) !== run) throw new Error('the engine was restarted')
  }

  async function saveDurable(): Promise<void> {
    const isPromoted = isDurable(pending)
    if (isPromoted) {
      await checkRun()
      promote()
      forgetDecisions()
    }
    if (isPromoted || isUnsaved) await save()
  }

  return {
    state,
    decisions,
    async saveDecisions() {
      await checkRun()
      await save()
    },
    begin: saveDurable,
    async end(hasRefused) {
      // A former owner's state may be the position, and ahead of this one: a position never falls.
      if (pending || state.next <= base.next || clock.now() - keptMs < saveEveryMs) return
      keptMs = clock.now()
      pending = { next: state.next, bytes: encodeState(state), atMs: keptMs, run }
      isUnsaved = true
      // What was refused is in the rejected topic when the sink calls again.
      if (!hasRefused) await saveDurable()
    },
  }
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
