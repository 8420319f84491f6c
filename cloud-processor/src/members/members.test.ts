import { createMetrics, silentLog, stopInOrder, stopMsMax, systemClock } from '@millrace/platform'
import { afterEach, expect, test } from 'vitest'
import type { Heartbeats } from '../log/index.ts'
import { joinMembers, keepAssignments, type Members, ownerOf, type Place, type Role } from './index.ts'
import { ownersOf } from './owners.ts'

/** Time passes twenty times as fast. */
const fast = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 20,
  after: (ms: number, call: () => void) => systemClock.after(ms / 20, call),
}

function createHeartbeats(): Heartbeats & { cut: Set<string> } {
  const listeners = new Set<(heartbeat: Uint8Array) => void>()
  const cut = new Set<string>()
  return {
    cut,
    async post(heartbeat) {
      const id = /"id":"(.)"/.exec(Buffer.from(heartbeat).toString())?.[1]
      if (id !== undefined && cut.has(id)) return new Promise(() => {})
      await new Promise((resolve) => setTimeout(resolve, 1))
      for (const listener of listeners) listener(heartbeat)
    },
    onHeartbeat(listener) {
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

/** An assignment that stops when `ended` does. */
interface Slow {
  assignment?: string
  ended: Promise<void>
}

interface Kind {
  isExclusive?: boolean
  slow?: Slow | undefined
  place?: Place
}

/** `busy`: how many work on each assignment now. */
function work(heartbeats: Heartbeats, id: string, busy: Map<string, number>, kind: Kind = {}): Worker {
  const { isExclusive = false, slow, place } = kind
  const role = (name: string, partitions: number): Role => ({
    name,
    partitions,
    isExclusive,
    start(partition) {
      const assignment = `${name}/${partition}`
      busy.set(assignment, (busy.get(assignment) ?? 0) + 1)
      if (isExclusive && busy.get(assignment)! > 1) throw new Error(`two work on ${assignment}`)
      return {
        async stop() {
          await new Promise((resolve) => setTimeout(resolve, 5))
          if (assignment === slow?.assignment) await slow.ended
          busy.set(assignment, busy.get(assignment)! - 1)
        },
      }
    },
  })
  const assignments = keepAssignments(fast)
  const members = joinMembers(
    heartbeats,
    {
      ...{ id, place },
      roles: ['prepare', 'rules'],
      holds: assignments.held,
      lagMs: () => ({ prepare: id === 'b' ? 70 : 5, rules: id === 'a' ? 30 : 1 }),
    },
    { clock: fast, logger: silentLog, metrics: createMetrics() },
  )
  assignments.follow(members, [role('prepare', 4), role('rules', 4)])
  const worker = {
    id,
    members,
    held: assignments.held,
    async stop() {
      await assignments.stop()
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

test('a member that was started again takes the place of the former at once, and never the other way round', async () => {
  const heartbeats = createHeartbeats()
  const busy = new Map<string, number>()
  const posted: Uint8Array[] = []
  heartbeats.onHeartbeat((heartbeat) => void posted.push(heartbeat))
  const a = work(heartbeats, 'a', busy)
  const b = work(heartbeats, 'b', busy, { place: { id: 'folder', sinceMs: 1 } })
  await until(() => isShared([a, b]))
  heartbeats.cut.add('b')
  const killedMs = fast.monotonic()
  work(heartbeats, 'c', busy, { place: { id: 'folder', sinceMs: 2 } })
  await until(() => !a.members.live('prepare').includes('b'))
  expect(fast.monotonic() - killedMs).toBeLessThan(1000)
  // What the former sent last may arrive late.
  const late = posted.map((heartbeat) => `${Buffer.from(heartbeat)}`).findLast((text) => text.includes('"id":"b"'))!
  await heartbeats.post(Buffer.from(late.replace('"id":"b"', '"id":"d"')))
  expect(a.members.live('prepare')).not.toContain('d')
  await until(() => a.members.live('prepare').includes('c'))
  heartbeats.cut.delete('b')
})

test('members divide every partition, once each, and take over what one that left or fell silent had', async () => {
  const heartbeats = createHeartbeats()
  const busy = new Map<string, number>()
  const a = work(heartbeats, 'a', busy, { isExclusive: true })
  await until(() => isShared([a]))
  const b = work(heartbeats, 'b', busy, { isExclusive: true })
  const c = work(heartbeats, 'c', busy, { isExclusive: true })
  await until(() => isShared([a, b, c]))
  await b.stop()
  await until(() => isShared([a, c]))
  expect(Math.max(...busy.values())).toBe(1)
})

test('a silent member is taken for gone, and knows that it may be', async () => {
  const heartbeats = createHeartbeats()
  const busy = new Map<string, number>()
  const [a, b] = [work(heartbeats, 'a', busy), work(heartbeats, 'b', busy)]
  await until(() => isShared([a, b]))
  heartbeats.cut.add('b')
  await until(() => isShared([a]) || a.held().length === everything.length)
  expect(a.members.live('rules')).toEqual(['a'])
  expect([a.members.isLeaseHeld(), b.members.isLeaseHeld()]).toEqual([true, false])
  heartbeats.cut.delete('b')
  await until(() => isShared([a, b]))
})

test('one that comes while another is cut off takes what one alone may hold only when that one knows', async () => {
  const heartbeats = createHeartbeats()
  const a = work(heartbeats, 'a', new Map())
  await until(() => isShared([a]))
  heartbeats.cut.add('a')
  const b = work(heartbeats, 'b', new Map(), { isExclusive: true })
  await until(() => b.held().length > 0)
  expect([a.members.isLeaseHeld(), b.members.isLeaseHeld()]).toEqual([false, true])
  heartbeats.cut.delete('a')
})

/** At which step of its life a member is told to stop: before its first look, while it listens, while it claims, when it works. */
const steps = [0, 300, 1000, 1500, 1800, 3000, 4500, 6000]

test.each([
  { what: 'all answer', isCut: false, isStuck: false },
  { what: 'the log does not answer', isCut: true, isStuck: false },
  { what: 'an assignment does not end', isCut: false, isStuck: true },
  { what: 'nothing answers', isCut: true, isStuck: true },
])('a member that is told to stop ends in its time, at each step of its life: $what', async ({ isCut, isStuck }) => {
  await Promise.all(
    steps.map(async (afterMs) => {
      const heartbeats = createHeartbeats()
      const seen: string[] = []
      heartbeats.onHeartbeat((heartbeat) => void seen.push(`${Buffer.from(heartbeat)}`))
      const role = {
        name: 'prepare',
        partitions: 2,
        isExclusive: afterMs % 1000 === 0,
        start: () => ({ stop: () => (isStuck ? new Promise<void>(() => {}) : Promise.resolve()) }),
      }
      const assignments = keepAssignments(fast)
      const context = { clock: fast, logger: silentLog, metrics: createMetrics() }
      const of = { id: 'a', roles: ['prepare'], holds: assignments.held, lagMs: () => ({}) }
      const members = joinMembers(heartbeats, of, context)
      assignments.follow(members, [role])
      await new Promise((resolve) => setTimeout(resolve, afterMs / 20))
      if (isCut) heartbeats.cut.add('a')
      const held = assignments.held().length
      const startedMs = fast.monotonic()
      const parts = [
        { name: 'assignments', stop: assignments.stop },
        { name: 'members', stop: members.close },
      ]
      const unended = await stopInOrder(parts, { clock: fast, log: silentLog })
      expect(fast.monotonic() - startedMs).toBeLessThan(stopMsMax(2) + 2000)
      expect(unended.includes('assignments')).toBe(isStuck && held > 0 && assignments.held().length > 0)
      // Others may take at once what it has let go of, and nothing else.
      const isGoodbye = seen.some((heartbeat) => heartbeat.includes('"leaving":true'))
      expect(isGoodbye).toBe(!isCut && assignments.held().length === 0)
    }),
  )
})

test.each([{ isExclusive: true }, { isExclusive: false }])(
  'a process that stops hands over each assignment as soon as that has stopped (isExclusive: $isExclusive)',
  async ({ isExclusive }) => {
    const heartbeats = createHeartbeats()
    const busy = new Map<string, number>()
    const a = work(heartbeats, 'a', busy, { isExclusive })
    await until(() => isShared([a]))
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow: Slow = { ended: promise }
    const b = work(heartbeats, 'b', busy, { isExclusive, slow })
    await until(() => isShared([a, b]) && [...busy.values()].every((count) => count === 1))
    const last = b.held()[0]!
    slow.assignment = last
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

test('a heartbeat that comes late changes nothing that was said since', async () => {
  const heartbeats = createHeartbeats()
  const a = work(heartbeats, 'a', new Map())
  const heartbeat = (n: number, more: object = {}) =>
    heartbeats.post(Buffer.from(JSON.stringify({ id: 'z', n, roles: ['prepare'], holds: [], lagMs: {}, ...more })))
  await until(() => isShared([a]))
  await heartbeat(2, { leaving: true })
  await heartbeat(1)
  expect(a.members.live('prepare')).toEqual(['a'])
})

test('the lag of all is the worst of each role, added up', async () => {
  const heartbeats = createHeartbeats()
  const [a, b] = [work(heartbeats, 'a', new Map()), work(heartbeats, 'b', new Map())]
  await until(() => a.members.live('rules').length === 2 && b.members.live('rules').length === 2)
  expect([a, b].map(({ members }) => members.lagMs(['prepare', 'rules']))).toEqual([100, 100])
})

test('what is not a valid heartbeat is ignored', async () => {
  const heartbeats = createHeartbeats()
  const a = work(heartbeats, 'a', new Map())
  for (const heartbeat of ['', '{', '{"id":1}', 'null']) await heartbeats.post(Buffer.from(heartbeat))
  await until(() => isShared([a]))
})

test('each member gets an equal number of assignments, and little moves when one comes', () => {
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

test.each([true, false])('a process that is alone works on every assignment at once (isExclusive: %s)', async (isExclusive) => {
  const options = { id: 'a', roles: ['store'], holds: () => [], lagMs: () => ({}) }
  const members = joinMembers(undefined, options, { clock: fast, logger: silentLog, metrics: createMetrics() })
  const assignments = keepAssignments(fast)
  const started: number[] = []
  const start = (partition: number) => {
    started.push(partition)
    return { stop: async () => {} }
  }
  assignments.follow(members, [{ name: 'store', partitions: 2, isExclusive, start }])
  expect(started).toEqual([0, 1])
  await assignments.stop()
})
