import { levelsOf, matches } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FilterTree } from './filter-tree.ts'
import { type Owed, Queue } from './queue.ts'
import { RetainedMessages } from './retained.ts'
import { Sessions } from './sessions.ts'

const message = (counter: number, payload = 'x'): Owed => ({
  cmd: 'publish',
  brokerId: 'b',
  brokerCounter: counter,
  topic: 't',
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
  dup: false,
})

describe('the tree of filters', () => {
  const level = fc.constantFrom('a', 'b', '', '$x')
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.constantFrom('a', '+', '#'))
    .map(([levels, last]) => [...levels, last].join('/'))

  test('finds whom a scan over all filters finds, also after some are gone', () => {
    const added = fc.array(fc.tuple(filter, fc.constantFrom('s1', 's2', 's3'), fc.boolean()), { maxLength: 12 })
    fc.assert(
      fc.property(added, topic, (entries, name) => {
        const tree = new FilterTree()
        const kept = new Map<string, [string, string]>()
        for (const [text, session] of entries) {
          tree.add(text, session, 1)
          kept.set(`${text} ${session}`, [text, session])
        }
        for (const [text, session, gone] of entries) {
          if (!gone) continue
          tree.remove(text, session)
          kept.delete(`${text} ${session}`)
        }
        const expected = [...kept.values()].filter(([text]) => matches(levelsOf(text), levelsOf(name))).map(([, s]) => s)
        expect([...tree.match(name).keys()].sort()).toEqual([...new Set(expected)].sort())
      }),
      { numRuns: 1_000, verbose: true },
    )
  })

  test('gives the highest QoS that a session asked for', () => {
    const tree = new FilterTree()
    tree.add('a/#', 's', 1)
    tree.add('a/b', 's', 2)
    expect(tree.match('a/b').get('s')).toBe(2)
  })
})

describe('the queue of a session', () => {
  test('drops the oldest at either bound, counted', () => {
    let dropped = 0
    const queue = new Queue({ offlineMessages: 3, offlineBytes: 100 }, () => dropped++)
    for (let i = 1; i <= 5; i++) queue.add(message(i))
    expect([...queue.again()].map((m) => m.brokerCounter)).toEqual([3, 4, 5])
    queue.add(message(6, 'y'.repeat(99)))
    expect([...queue.again()].map((m) => m.brokerCounter)).toEqual([5, 6])
    expect(dropped).toBe(4)
  })

  test('sends again what was sent, with DUP and its identifier, in order; not what was acknowledged', () => {
    const queue = new Queue({ offlineMessages: 10, offlineBytes: 100 }, () => {})
    for (let i = 1; i <= 4; i++) queue.add({ ...message(i), qos: i === 3 ? 2 : 1 })
    for (let i = 1; i <= 3; i++) queue.sent(i, 100 + i)
    queue.done(102)
    queue.released(103)
    expect([...queue.again()].map(({ brokerCounter, cmd, dup, messageId }) => [brokerCounter, cmd, dup, messageId])).toEqual([
      [1, 'publish', true, 101],
      [3, 'pubrel', false, 103],
      [4, 'publish', false, undefined],
    ])
    expect(queue.nextId).toBe(104)
  })

  test('an acknowledgement of nothing changes nothing', () => {
    const queue = new Queue({ offlineMessages: 10, offlineBytes: 100 }, () => {})
    queue.add(message(1))
    expect(queue.done(7)).toBeUndefined()
    queue.released(7)
    queue.sent(99, 7)
    expect(queue.size).toBe(1)
  })
})

describe('retained messages', () => {
  const store = (limits = { retainedMessages: 2, retainedBytes: 10 }) => {
    const dropped: number[] = []
    return { dropped, retained: new RetainedMessages(limits, () => dropped.push(1)) }
  }
  const topics = (retained: RetainedMessages, filter: string) => [...retained.matching([filter])].map(({ topic }) => topic)

  test('the last one of a topic counts; an empty one removes it', () => {
    const { retained } = store()
    retained.store('a', Buffer.from('1'), 0)
    retained.store('a', Buffer.from('2'), 1)
    expect(String([...retained.matching(['a'])][0]!.payload)).toBe('2')
    retained.store('a', Buffer.alloc(0), 0)
    expect(retained.size).toBe(0)
  })

  test('wildcards find them, but not topics with $', () => {
    const { retained } = store({ retainedMessages: 10, retainedBytes: 100 })
    for (const topic of ['a', 'a/b', 'a/b/c', '$x', 'ab']) retained.store(topic, Buffer.from('1'), 0)
    expect(topics(retained, 'a/#')).toEqual(['a', 'a/b', 'a/b/c'])
    expect(topics(retained, 'a/+')).toEqual(['a/b'])
    expect(topics(retained, '#')).toEqual(['a', 'a/b', 'a/b/c', 'ab'])
  })

  test('at either bound a new topic is not kept, a known one is replaced, and STATE always has room', () => {
    const { retained, dropped } = store()
    retained.store('a', Buffer.from('1'), 0)
    retained.store('b', Buffer.from('1'), 0)
    retained.store('c', Buffer.from('1'), 0)
    retained.store('a', Buffer.from('12345678'), 0)
    retained.store('a', Buffer.from('1234567890'), 0)
    retained.store('spBv1.0/STATE/h', Buffer.from('{"online":true}'), 1)
    expect(topics(retained, '#')).toEqual(['b', 'a', 'spBv1.0/STATE/h'])
    expect(dropped.length).toBe(2)
  })
})

describe('sessions', () => {
  const limits = { sessions: 2, inflight: 2, offlineMessages: 10, offlineBytes: 100, retainedMessages: 1, retainedBytes: 1 }
  const client = (id: string) => ({ id, clean: false }) as never
  const open = (connected: Record<string, unknown> = {}) => {
    const dropped: [string, number?][] = []
    const sessions = new Sessions({
      limits,
      dropped: (...args) => void dropped.push(args),
      userOf: (of) => `user of ${of.id}`,
      holds: (_client, filter) => !filter.startsWith('secret'),
    })
    sessions.setup({ clients: connected })
    return { sessions, dropped }
  }

  test('at their bound the one that connected longest ago goes, unless its client is there', async () => {
    const { sessions, dropped } = open({ a: {} })
    await sessions.addSubscriptions(client('a'), [{ topic: 't', qos: 1 }])
    await sessions.addSubscriptions(client('b'), [{ topic: 't', qos: 1 }])
    await sessions.outgoingEnqueueCombi([{ clientId: 'b', qos: 1 }], message(1) as never)
    await sessions.addSubscriptions(client('c'), [{ topic: 't', qos: 1 }])
    expect((await sessions.subscriptionsByTopic('t')).map(({ clientId }) => clientId)).toEqual(['a', 'c'])
    expect(dropped).toEqual([['session-forgotten', 1]])
  })

  test('belong to the user who made them, and hold only what was granted', async () => {
    const { sessions } = open()
    await sessions.addSubscriptions(client('a'), [
      { topic: 't', qos: 1 },
      { topic: 'secret/t', qos: 1 },
    ])
    expect(sessions.ownerOf('a')).toBe('user of a')
    expect(await sessions.subscriptionsByClient(client('a'))).toEqual([{ topic: 't', qos: 1 }])
    await sessions.cleanSubscriptions(client('a'))
    expect(sessions.ownerOf('a')).toBeUndefined()
  })

  test('remember QoS 2 identifiers up to the bound, over connections', async () => {
    const { sessions } = open()
    await sessions.incomingStorePacket(client('a'), { messageId: 1 })
    await sessions.incomingStorePacket(client('a'), { messageId: 2 })
    await expect(sessions.incomingStorePacket(client('a'), { messageId: 3 })).rejects.toThrow('limits.inflight')
    await sessions.incomingDelPacket(client('a'), { messageId: 1 })
    await expect(sessions.incomingGetPacket(client('a'), { messageId: 1 })).rejects.toThrow()
    expect(await sessions.incomingGetPacket(client('a'), { messageId: 2 })).toEqual({ messageId: 2 })
  })
})
