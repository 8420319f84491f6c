/**
 * The file of sessions as the broker uses it: changes that come while a transaction is being written go together into the next, so
 * the faster they come, the fewer transactions each costs. A promise resolves when its change is durable.
 *
 * Bounded by messages and bytes. At a bound new messages wait, in order, until others are acknowledged: nothing is dropped, and their
 * publishers have no PUBACK until then.
 *
 *     keep, change ─► waiting (at a bound) ─► queue ─► group, one transaction ─► durable
 *     free ─────────────────────────────────► freed ──┘
 */
import { type Clock, MillraceError } from '@millrace/platform'
import type { Change, Group, Loaded, OwedRow, PageAsked } from './protocol.ts'
import { StoreThread } from './thread.ts'

export interface StoreLimits {
  messagesMax: number
  bytesMax: number
}

interface Call {
  changes: Change[]
  payload?: Uint8Array
  messages: number
  bytes: number
  done(): void
  fail(error: Error): void
}

const groupChangesMax = 4_000
const groupBytesMax = 4 << 20
/** How long an acknowledgement waits for a transaction of something else. */
const freeEveryMs = 25

/** @throws MillraceError BROKER_STORE_OPEN, BROKER_STORE_LOCKED, BROKER_STORE_CORRUPT, BROKER_STORE_NEWER. */
export async function openStore(path: string, limits: StoreLimits, clock: Clock): Promise<Store> {
  const thread = new StoreThread(path)
  return new Store({ path, limits, clock, thread, loaded: await thread.opened() })
}

interface StoreParts {
  path: string
  limits: StoreLimits
  clock: Clock
  thread: StoreThread
  loaded: Loaded
}

export class Store {
  readonly loaded: Loaded
  /** Rejects when its thread has ended: nothing can be kept any longer. */
  readonly failed: Promise<never>
  readonly #parts: StoreParts
  /** Owed, in the file or on the way there. */
  #messages: number
  #bytes: number
  #nextId: number
  /** For the next transactions. */
  #queue: Call[] = []
  /** For room. */
  readonly #waiting: Call[] = []
  #freed: Change[] = []
  /** Ids that are acknowledged and may still be in the file. */
  readonly #gone = new Set<number>()
  #isWriting = false
  /** A write is due within `freeEveryMs`. */
  #isArmed = false
  #isClosed = false
  #cancel = () => {}

  constructor(parts: StoreParts) {
    const { loaded, thread } = parts
    this.#parts = parts
    this.loaded = loaded
    this.failed = thread.failed
    this.#messages = loaded.sessions.reduce((sum, session) => sum + session.messages, 0)
    this.#bytes = loaded.sessions.reduce((sum, session) => sum + session.bytes, 0)
    this.#nextId = 1 + Math.max(0, ...loaded.sessions.map(({ lastId }) => lastId))
  }

  stats(): { messages: number; bytes: number; waiting: number } {
    return { messages: this.#messages, bytes: this.#bytes, waiting: this.#waiting.length }
  }

  /** One id for each session, in their order. @throws MillraceError BROKER_STORE_WRITE */
  async keep(topic: string, payload: Uint8Array, sessions: { session: number; qos: 1 | 2 }[]): Promise<number[]> {
    const owed = sessions.map(({ session, qos }) => ({ k: 'owe' as const, id: 0, session, topic, qos, from: 0, to: 0 }))
    await this.#call(owed, { payload, messages: sessions.length, bytes: sessions.length * messageBytes(topic, payload) })
    return owed.map(({ id }) => id)
  }

  /** Acknowledged. Becomes durable with what comes next; before that a restart delivers it again. */
  free(id: number, bytes: number): void {
    this.#freed.push({ k: 'free', id })
    this.#gone.add(id)
    this.#release(1, bytes)
    this.#writeSoon()
  }

  /** @throws MillraceError BROKER_STORE_WRITE */
  change(changes: Exclude<Change, { k: 'owe' | 'free' }>[]): Promise<void> {
    return this.#call(changes)
  }

  /** Forgets the session and all that it is owed. */
  async forget(session: number, messages: number, bytes: number): Promise<void> {
    await this.#call([{ k: 'forget', session }])
    this.#release(messages, bytes)
  }

  /** Without what is acknowledged; `end` is where the next one begins, undefined at the end. */
  async page(page: PageAsked): Promise<{ rows: OwedRow[]; end: number | undefined }> {
    const rows = await this.#parts.thread.page(page)
    return { rows: rows.filter(({ id }) => !this.#gone.has(id)), end: rows.at(-1)?.id }
  }

  async close(): Promise<void> {
    const { path, thread } = this.#parts
    this.#cancel()
    this.#isClosed = true
    const error = new MillraceError('BROKER_STORE_WRITE', { path, detail: 'the broker stops' })
    for (const { fail } of [...this.#waiting.splice(0), ...this.#queue]) fail(error)
    this.#queue = []
    if (this.#freed.length > 0 && !this.#isWriting) await thread.write(this.#pack([], this.#freed)).catch(() => {})
    await thread.close()
  }

  #call(changes: Change[], owed?: { payload: Uint8Array; messages: number; bytes: number }): Promise<void> {
    return new Promise((done, fail) => {
      const call: Call = { changes, messages: 0, bytes: 0, ...owed, done, fail }
      if (call.messages === 0 || (this.#waiting.length === 0 && this.#hasRoom(call))) this.#add(call)
      else this.#waiting.push(call)
    })
  }

  #hasRoom(call: Call): boolean {
    const { messagesMax, bytesMax } = this.#parts.limits
    return this.#messages + call.messages <= messagesMax && this.#bytes + call.bytes <= bytesMax
  }

  #add(call: Call): void {
    this.#messages += call.messages
    this.#bytes += call.bytes
    this.#queue.push(call)
    this.#write()
  }

  #release(messages: number, bytes: number): void {
    this.#messages -= messages
    this.#bytes -= bytes
    while (this.#waiting.length > 0 && this.#hasRoom(this.#waiting[0]!)) this.#add(this.#waiting.shift()!)
  }

  #write(): void {
    if (this.#isClosed || this.#isWriting || (this.#queue.length === 0 && this.#freed.length === 0)) return
    this.#isWriting = true
    this.#isArmed = false
    this.#cancel()
    const calls = takeCalls(this.#queue)
    const freed = this.#freed
    this.#freed = []
    this.#parts.thread.write(this.#pack(calls, freed)).then(
      () => this.#written(calls, freed),
      (error) => this.#notWritten(calls, freed, error),
    )
  }

  #written(calls: Call[], freed: Change[]): void {
    this.#isWriting = false
    for (const change of freed) if (change.k === 'free') this.#gone.delete(change.id)
    for (const { done } of calls) done()
    this.#write()
  }

  /** What is freed is still in the file; what fails here was never acknowledged to a publisher. */
  #notWritten(calls: Call[], freed: Change[], error: Error): void {
    this.#isWriting = false
    this.#freed = [...freed, ...this.#freed]
    for (const { messages, bytes } of calls) this.#release(messages, bytes)
    for (const { fail } of calls) fail(error)
    if (this.#queue.length > 0) this.#write()
    else this.#writeSoon()
  }

  #writeSoon(): void {
    if (this.#isClosed || this.#isArmed || this.#isWriting) return
    this.#isArmed = true
    this.#cancel = this.#parts.clock.after(freeEveryMs, () => {
      this.#isArmed = false
      this.#write()
    })
  }

  /** Ids are given here, so that they rise in the order of the file. */
  #pack(calls: Call[], freed: Change[]): Group {
    const size = calls.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
    const buffer = Buffer.allocUnsafeSlow(size)
    const changes: Change[] = []
    let from = 0
    for (const { payload, changes: own } of calls) {
      const to = from + (payload?.length ?? 0)
      if (payload) buffer.set(payload, from)
      for (const change of own) {
        if (change.k === 'owe') Object.assign(change, { id: this.#nextId++, from, to })
        changes.push(change)
      }
      from = to
    }
    return { changes: [...changes, ...freed], buffer }
  }
}

/** That count against the bound. */
export function messageBytes(topic: string, payload: Uint8Array): number {
  return Buffer.byteLength(topic) + payload.length
}

function takeCalls(queue: Call[]): Call[] {
  let count = 0
  let changes = 0
  let bytes = 0
  while (count < queue.length && (count === 0 || (changes < groupChangesMax && bytes < groupBytesMax))) {
    const { changes: own, payload } = queue[count++]!
    changes += own.length
    bytes += payload?.length ?? 0
  }
  return queue.splice(0, count)
}
