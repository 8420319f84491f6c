/**
 * The file of sessions as the broker uses it: changes that come while a transaction is being written go together into the next, so
 * the faster they come, the fewer transactions each costs. A promise resolves when its change is durable.
 *
 * Bounded by messages and bytes. At a bound new messages wait, in order, until others are acknowledged: nothing is dropped, and their
 * publishers have no PUBACK meanwhile.
 */
import { Worker } from 'node:worker_threads'
import { type Clock, MillraceError } from '@millrace/contract/service'
import type { Change, FromWorker, Loaded, OwedRow, PageAsked, ToWorker } from './protocol.ts'

export interface StoreLimits {
  messagesMax: number
  bytesMax: number
}

export interface Store {
  loaded: Loaded
  /** One id for each session, in their order. @throws MillraceError BROKER_STORE_WRITE */
  keep(topic: string, payload: Uint8Array, sessions: { session: number; qos: 1 | 2 }[]): Promise<number[]>
  /** Acknowledged. Becomes durable with what comes next; before that a restart delivers it again. */
  free(id: number, bytes: number): void
  /** @throws MillraceError BROKER_STORE_WRITE */
  change(changes: Exclude<Change, { k: 'owe' | 'free' }>[]): Promise<void>
  /** Forgets the session and all that it is owed. */
  forget(session: number, messages: number, bytes: number): Promise<void>
  /** Without what is acknowledged; `end` is where the next one begins, undefined at the end. */
  page(asked: PageAsked): Promise<{ rows: OwedRow[]; end: number | undefined }>
  stats(): { messages: number; bytes: number; waiting: number }
  /** Rejects when its thread has ended: nothing can be kept any longer. */
  failed: Promise<never>
  close(): Promise<void>
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
/** What is acknowledged waits so long for a transaction to go along with. */
const freeEveryMs = 25

/** @throws MillraceError BROKER_STORE_OPEN, BROKER_STORE_LOCKED, BROKER_STORE_CORRUPT, BROKER_STORE_NEWER. */
export async function openStore(path: string, limits: StoreLimits, clock: Clock): Promise<Store> {
  const { loaded, ask, close, failed } = await openWorker(path)
  let messages = loaded.reduce((sum, session) => sum + session.messages, 0)
  let bytes = loaded.reduce((sum, session) => sum + session.bytes, 0)
  let nextId = 1 + Math.max(0, ...loaded.map(({ lastId }) => lastId))
  let queue: Call[] = []
  const waiting: Call[] = []
  let freed: Change[] = []
  /** Ids that are acknowledged and may still be in the file. */
  const gone = new Set<number>()
  let isWriting = false
  let isArmed = false
  let cancel = () => {}

  function add(call: Call): void {
    messages += call.messages
    bytes += call.bytes
    queue.push(call)
    write()
  }

  function hasRoom(call: Call): boolean {
    return messages + call.messages <= limits.messagesMax && bytes + call.bytes <= limits.bytesMax
  }

  function released(count: number, size: number): void {
    messages -= count
    bytes -= size
    while (waiting.length > 0 && hasRoom(waiting[0]!)) add(waiting.shift()!)
  }

  function write(): void {
    if (isWriting || (queue.length === 0 && freed.length === 0)) return
    isWriting = true
    isArmed = false
    cancel()
    const calls = takeCalls(queue)
    const frees = freed
    freed = []
    const group = pack(calls, frees)
    ask({ k: 'group', group }).then(
      () => {
        isWriting = false
        for (const change of frees) if (change.k === 'free') gone.delete(change.id)
        for (const { done } of calls) done()
        write()
      },
      (error) => {
        isWriting = false
        // They are still in the file; what is given up here was never acknowledged.
        freed = [...frees, ...freed]
        for (const call of calls) released(call.messages, call.bytes)
        for (const { fail } of calls) fail(error)
        if (queue.length > 0) write()
        else writeSoon()
      },
    )
  }

  function writeSoon(): void {
    if (isArmed || isWriting) return
    isArmed = true
    cancel = clock.after(freeEveryMs, () => {
      isArmed = false
      write()
    })
  }

  const call = (changes: Change[], more: Partial<Call> = {}) =>
    new Promise<void>((done, fail) => {
      const made: Call = { changes, messages: 0, bytes: 0, ...more, done, fail }
      if (made.messages === 0 || (waiting.length === 0 && hasRoom(made))) add(made)
      else waiting.push(made)
    })

  return {
    loaded,
    failed,
    async keep(topic, payload, sessions) {
      const size = sessions.length * messageBytes(topic, payload)
      const ids: number[] = []
      const changes = sessions.map(({ session, qos }): Change => {
        return { k: 'owe', id: 0, session, topic, qos, from: 0, to: 0 }
      })
      await call(changes, { payload, messages: sessions.length, bytes: size })
      for (const change of changes) if (change.k === 'owe') ids.push(change.id)
      return ids
    },
    free(id, size) {
      freed.push({ k: 'free', id })
      gone.add(id)
      released(1, size)
      writeSoon()
    },
    change: (changes) => call(changes),
    async forget(session, count, size) {
      await call([{ k: 'forget', session }])
      released(count, size)
    },
    async page(page) {
      const answer = await ask({ k: 'page', page })
      const rows = answer.k === 'page' ? answer.rows : []
      return { rows: rows.filter(({ id }) => !gone.has(id)), end: rows.at(-1)?.id }
    },
    stats: () => ({ messages, bytes, waiting: waiting.length }),
    async close() {
      cancel()
      isArmed = true
      const error = new MillraceError('BROKER_STORE_WRITE', { path, detail: 'the broker stops' })
      for (const { fail } of [...waiting.splice(0), ...queue]) fail(error)
      queue = []
      if (freed.length > 0 && !isWriting) await ask({ k: 'group', group: pack([], freed) }).catch(() => {})
      await close()
    },
  }

  /** Ids are given here, so that they rise in the order of the file. */
  function pack(calls: Call[], frees: Change[]) {
    const size = calls.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
    const buffer = Buffer.allocUnsafeSlow(size)
    const changes: Change[] = []
    let from = 0
    for (const { payload, changes: own } of calls) {
      const to = from + (payload?.length ?? 0)
      if (payload) buffer.set(payload, from)
      for (const change of own) {
        if (change.k === 'owe') Object.assign(change, { id: nextId++, from, to })
        changes.push(change)
      }
      from = to
    }
    return { changes: [...changes, ...frees], buffer }
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

/** Answers come in the order of the questions. */
async function openWorker(path: string) {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { path },
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
  const asked: { resolve(answer: FromWorker): void; reject(error: Error): void }[] = []
  const next = () => new Promise<FromWorker>((resolve, reject) => asked.push({ resolve, reject }))
  let dead: Error | undefined
  worker.on('message', (answer: FromWorker) => {
    const { resolve, reject } = asked.shift()!
    if (answer.k === 'failed') reject(new MillraceError(answer.failure.code, answer.failure.values))
    else resolve(answer)
  })
  let isClosing = false
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => {})
  const end = (error: Error) => {
    dead ??= error
    for (const { reject } of asked.splice(0)) reject(dead)
    if (!isClosing) fail(dead)
  }
  worker.on('error', (cause) => end(new MillraceError('BROKER_STORE_WRITE', { path, detail: `${cause}` }, cause)))
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  void exited.then(() => end(new MillraceError('BROKER_STORE_WRITE', { path, detail: 'its thread ended' })))
  const first = await next().catch(async (error) => {
    await worker.terminate()
    throw error
  })
  return {
    loaded: first.k === 'open' ? first.loaded : [],
    ask(message: ToWorker): Promise<FromWorker> {
      if (dead) return Promise.reject(dead)
      worker.postMessage(message)
      return next()
    },
    failed,
    async close() {
      isClosing = true
      if (!dead) worker.postMessage({ k: 'close' } satisfies ToWorker)
      await exited
    },
  }
}
