/**
 * Keeps one partition's state in the log's snapshots: what a restart goes on from.
 *
 * A snapshot must never be ahead of what the engine holds for good. It is taken at the end of a write and saved later: when the
 * sink has dealt with what was refused (it has called again), and when the engine has had `durableAfterMs` to make all of it
 * durable without having been started anew in between. Whatever a kill of the engine may lose lies above the newest snapshot
 * and is written again. Decisions are saved at once, with the snapshot before them.
 *
 * Layout: u32 length of the decisions, the decisions (JSON), the state (accounting/state.ts).
 */
import type { Clock } from '@millrace/contract/service'
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

interface Image {
  next: number
  bytes: Uint8Array
  atMs: number
}

export interface Keeping {
  readonly state: AccountState
  readonly decisions: Decisions
  /** Decisions were added: durable when resolved. @throws Error when the engine was started anew: its answers may lack what it lost */
  saveDecisions(): Promise<void>
  /** Before a write: saves what has become durable. @throws Error when the engine was started anew and may have lost some */
  begin(): Promise<void>
  /** After a write. */
  end(hasRefused: boolean): Promise<void>
}

export async function createKeeping(kept: Kept, options: KeepingOptions): Promise<Keeping> {
  const { clock, saveEveryMs, durableAfterMs } = options
  const snapshot = await kept.load()
  const { state, decisions, bytes } = snapshot ? unpack(snapshot.state) : fresh()
  const run = await options.run()
  let base: Image = { next: snapshot?.next ?? 0, bytes, atMs: clock.monotonic() }
  let waiting: Image | undefined

  const save = ({ next, bytes }: Image) => kept.save({ next, state: pack(decisions, bytes) })

  async function release(): Promise<void> {
    if (!waiting || clock.monotonic() - waiting.atMs < durableAfterMs) return
    await checkRun()
    base = waiting
    waiting = undefined
    for (const key of decisions.collapsed.keys())
      if (Number(key.slice(0, key.indexOf(' '))) < base.next) decisions.collapsed.delete(key)
    for (const device of decisions.adopted.keys()) if (isIn(device)) decisions.adopted.delete(device)
    await save(base)
  }

  async function checkRun(): Promise<void> {
    if ((await options.run()) !== run) throw new Error('the engine was started anew')
  }

  /** Devices of the snapshot need no decision any more; those after it do. */
  let inBase = new Set<string>()
  const isIn = (device: string) => inBase.has(device)

  return {
    state,
    decisions,
    async saveDecisions() {
      await checkRun()
      await save(base)
    },
    begin: release,
    async end(hasRefused) {
      if (waiting || clock.monotonic() - base.atMs < saveEveryMs) return
      waiting = { next: state.next, bytes: encodeState(state), atMs: clock.monotonic() }
      inBase = new Set(state.devices.keys())
      if (!hasRefused) await release()
    },
  }
}

function fresh() {
  const state = emptyState()
  return { state, decisions: noDecisions(), bytes: encodeState(state) }
}

function pack(decisions: Decisions, state: Uint8Array): Uint8Array {
  const head = Buffer.from(encodeDecisions(decisions))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  return Buffer.concat([length, head, state])
}

function unpack(image: Uint8Array) {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.length)
  const end = 4 + bytes.readUInt32BE(0)
  const rest = bytes.subarray(end)
  return { state: decodeState(rest), decisions: decodeDecisions(bytes.toString('utf8', 4, end)), bytes: rest }
}
