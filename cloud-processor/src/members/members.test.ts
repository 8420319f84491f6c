import { createMetrics, silentLog, stopInOrder, stopMsMax, systemClock } from '@millrace/platform'
import { afterEach, expect, test } from 'vitest'
import type { Board } from '../log/index.ts'
import { joinMembers, keepShares, type Members, ownerOf, type Role } from './index.ts'
import { ownersOf } from './owners.ts'

/** Time passes twenty times as fast. */
const fast = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 20,
  after: (ms: number, call: () => void) => systemClock.after(ms / 20, call),
}

function createBoard(): Board & { cut: Set<string> } {
  const listeners = new Set<(note: Uint8Array) => void>()
  const cut = new Set<string>()
  return {
    cut,
    async post(note) {
      const id = /"id":"(.)"/.exec(Buffer.from(note).toString())?.[1]
      if (id !== undefined && cut.has(id)) return new Promise(() => {})
      await new Promise((resolve) => setTimeout(resolve, 1))
      for (const listener of listeners) listener(note)
    },
    onNote(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

interface Worker {
  id: string
  members: Members
  held(): string[]
  stop(): Promise<void>
}

const running: Worker[] = []
afterEach(async () => {
  for (const worker of running.splice(0)) await worker.stop()
})

/** A share that stops when `ended` does. */
interface Slow {
  share?: string
  ended: Promise<void>
}

/** `busy`: how many work on each share now. */
function work(board: Board, id: string, busy: Map<string, number>, exclusive = false, slow?: Slow): Worker {
  const role = (name: string, partitions: number): Role => ({
    name,
    partitions,
    isExclusive: exclusive,
    start(partition) {
      const share = `${name}/${partition}`
      busy.set(share, (busy.get(share) ?? 0) + 1)
      if (exclusive && busy.get(share)! > 1) throw new Error(`two work on ${share}`)
      return {
        async stop() {
          await new Promise((resolve) => setTimeout(resolve, 5))
          if (share === slow?.share) await slow.ended
          busy.set(share, busy.get(share)! - 1)
        },
      }
    },
  })
  const shares = keepShares(fast)
  const members = joinMembers(
    board,
    {
      id,
      roles: ['prepare', 'rules'],
      holds: shares.held,
      lagMs: () => ({ prepare: id === 'b' ? 70 : 5, rules: id === 'a' ? 30 : 1 }),
    },
    { clock: fast, logger: silentLog, metrics: createMetrics() },
  )
  shares.follow(members, [role('prepare', 4), role('rules', 4)])
  const worker = {
    id,
    members,
    held: shares.held,
    async stop() {
      await shares.stop()
      await members.close()
    },
  }
  running.push(worker)
  return worker
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 5000; !holds(); ) {
    if (Date.now() > endMs) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const everything = ['prepare', 'rules'].flatMap((role) => [0, 1, 2, 3].map((p) => `${role}/${p}`))
const isShared = (workers: Worker[]) =>
  JSON.stringify(workers.flatMap((one) => one.held()).sort()) === JSON.stringify(everything) &&
  workers.every((one) => one.held().length > 0)

test('members share every partition, once each, and take over what one that left or fell silent had', async () => {
  const board = createBoard()
  const busy = new Map<string, number>()
  const a = work(board, 'a', busy, true)
  await until(() => isShared([a]))
  const b = work(board, 'b', busy, true)
  const c = work(board, 'c', busy, true)
  await until(() => isShared([a, b, c]))
  await b.stop()
  await until(() => isShared([a, c]))
  expect(Math.max(...busy.values())).toBe(1)
})

test('a silent member is taken for gone, and knows that it may be', async () => {
  const board = createBoard()
  const busy = new Map<string, number>()
  const [a, b] = [work(board, 'a', busy), work(board, 'b', busy)]
  await until(() => isShared([a, b]))
  board.cut.add('b')
  await until(() => isShared([a]) || a.held().length === everything.length)
  expect(a.members.live('rules')).toEqual(['a'])
  expect([a.members.isSure(), b.members.isSure()]).toEqual([true, false])
  board.cut.delete('b')
  await until(() => isShared([a, b]))
})

test('one that comes while another is cut off takes what one alone may hold only when that one knows', async () => {
  const board = createBoard()
  const a = work(board, 'a', new Map())
  await until(() => isShared([a]))
  board.cut.add('a')
  const b = work(board, 'b', new Map(), true)
  await until(() => b.held().length > 0)
  expect([a.members.isSure(), b.members.isSure()]).toEqual([false, true])
  board.cut.delete('a')
})

/** At which step of its life a member is told to stop: before its first look, while it listens, while it claims, when it works. */
const steps = [0, 300, 1000, 1500, 1800, 3000, 4500, 6000]

test.each([
  { what: 'all answer', isCut: false, isStuck: false },
  { what: 'the log does not answer', isCut: true, isStuck: false },
  { what: 'a share does not end', isCut: false, isStuck: true },
  { what: 'nothing answers', isCut: true, isStuck: true },
])('a member that is told to stop ends in its time, at each step of its life: $what', async ({ isCut, isStuck }) => {
  await Promise.all(
    steps.map(async (afterMs) => {
      const board = createBoard()
      const notes: string[] = []
      board.onNote((note) => void notes.push(`${Buffer.from(note)}`))
      const role = {
        name: 'prepare',
        partitions: 2,
        isExclusive: afterMs % 1000 === 0,
        start: () => ({ stop: () => (isStuck ? new Promise<void>(() => {}) : Promise.resolve()) }),
      }
      const shares = keepShares(fast)
      const around = { clock: fast, logger: silentLog, metrics: createMetrics() }
      const of = { id: 'a', roles: ['prepare'], holds: shares.held, lagMs: () => ({}) }
      const members = joinMembers(board, of, around)
      shares.follow(members, [role])
      await new Promise((resolve) => setTimeout(resolve, afterMs / 20))
      if (isCut) board.cut.add('a')
      const held = shares.held().length
      const startedMs = fast.monotonic()
      const parts = [
        { name: 'shares', stop: shares.stop },
        { name: 'members', stop: members.close },
      ]
      const unended = await stopInOrder(parts, { clock: fast, log: silentLog })
      expect(fast.monotonic() - startedMs).toBeLessThan(stopMsMax(2) + 2000)
      expect(unended.includes('shares')).toBe(isStuck && held > 0 && shares.held().length > 0)
      // Others may take at once what it has let go of, and nothing else.
      const isGoodbye = notes.some((note) => note.includes('"leaving":true'))
      expect(isGoodbye).toBe(!isCut && shares.held().length === 0)
    }),
  )
})

test.each([{ isExclusive: true }, { isExclusive: false }])(
  'whoever ends hands over share by share: the others do not wait for the slowest of them ($isExclusive)',
  async ({ isExclusive }) => {
    const board = createBoard()
    const busy = new Map<string, number>()
    const a = work(board, 'a', busy, isExclusive)
    await until(() => isShared([a]))
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow: Slow = { ended: promise }
    const b = work(board, 'b', busy, isExclusive, slow)
    await until(() => isShared([a, b]) && [...busy.values()].every((count) => count === 1))
    const last = b.held()[0]!
    slow.share = last
    const stopping = b.stop()
    const startedMs = fast.monotonic()
    await until(() => a.held().length === everything.length - 1)
    expect(fast.monotonic() - startedMs).toBeLessThan(2500)
    expect([a.held().includes(last), b.held()]).toEqual([false, [last]])
    resolve()
    await stopping
    await until(() => isShared([a]))
    expect(Math.max(...busy.values())).toBe(1)
  },
)

test('a note that comes late changes nothing that was said since', async () => {
  const board = createBoard()
  const a = work(board, 'a', new Map())
  const beat = (n: number, more: object = {}) =>
    board.post(Buffer.from(JSON.stringify({ id: 'z', n, roles: ['prepare'], holds: [], lagMs: {}, ...more })))
  await until(() => isShared([a]))
  await beat(2, { leaving: true })
  await beat(1)
  expect(a.members.live('prepare')).toEqual(['a'])
})

test('the lag of all is the worst of each role, added up', async () => {
  const board = createBoard()
  const [a, b] = [work(board, 'a', new Map()), work(board, 'b', new Map())]
  await until(() => a.members.live('rules').length === 2 && b.members.live('rules').length === 2)
  expect([a, b].map(({ members }) => members.lagMs(['prepare', 'rules']))).toEqual([100, 100])
})

test('what is no beat is passed over', async () => {
  const board = createBoard()
  const a = work(board, 'a', new Map())
  for (const note of ['', '{', '{"id":1}', 'null']) await board.post(Buffer.from(note))
  await until(() => isShared([a]))
})

test('an even share goes to each member, and little moves when one comes', () => {
  const before = ownersOf('prepare', 64, ['a', 'b', 'c'])
  const after = ownersOf('prepare', 64, ['a', 'b', 'c', 'd'])
  for (const member of ['a', 'b', 'c', 'd']) {
    expect(after.filter((one) => one === member).length).toBeLessThanOrEqual(16)
    expect(after.filter((one) => one === member).length).toBeGreaterThanOrEqual(12)
  }
  expect(after.filter((owner, p) => owner !== before[p]).length).toBeLessThan(30)
  expect(ownerOf('node', [])).toBeUndefined()
  expect(ownersOf('prepare', 2, [])).toEqual([undefined, undefined])
})

test.each([true, false])('a process that is alone works on every share at once (isExclusive: %s)', async (isExclusive) => {
  const options = { id: 'a', roles: ['store'], holds: () => [], lagMs: () => ({}) }
  const members = joinMembers(undefined, options, { clock: fast, logger: silentLog, metrics: createMetrics() })
  const shares = keepShares(fast)
  const started: number[] = []
  const start = (partition: number) => {
    started.push(partition)
    return { stop: async () => {} }
  }
  shares.follow(members, [{ name: 'store', partitions: 2, isExclusive, start }])
  expect(started).toEqual([0, 1])
  await shares.stop()
})
