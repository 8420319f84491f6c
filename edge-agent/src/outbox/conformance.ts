/** The contract of an outbox storage, as a test suite that every implementation runs. */
import { expect, test } from 'vitest'
import { emptyTransaction, type OutboxStorage, type OutboxTransaction } from './storage.ts'

/** @param create a storage over the same bytes at each call, as after a restart; they are empty at the first. */
export function storageConformance(create: () => OutboxStorage): void {
  const bytes = (...values: number[]) => Uint8Array.from(values)
  const transaction = (parts: Partial<OutboxTransaction>): OutboxTransaction => ({ ...emptyTransaction(), ...parts })

  test('what was committed is there when it is opened again, in order of id, and nothing else', async () => {
    const first = create()
    expect(await first.open()).toMatchObject({ entries: [], small: new Map() })
    await first.commit(transaction({ put: [{ id: 2, meta: 'two', payload: bytes(2) }], set: new Map([['a', '1']]) }))
    await first.commit(
      transaction({
        put: [
          { id: 10, meta: 'ten', payload: bytes(10, 10) },
          { id: 9, meta: 'nine', payload: bytes() },
        ],
        set: new Map([
          ['a', undefined],
          ['b/c', '{"π":1}'],
        ]),
      }),
    )
    await first.close()
    const second = create()
    const { entries, small } = await second.open()
    expect(entries.map(({ id, meta }) => [id, meta])).toEqual([
      [2, 'two'],
      [9, 'nine'],
      [10, 'ten'],
    ])
    expect([...small]).toEqual([['b/c', '{"π":1}']])
    expect([...(await second.read([10, 2, 77]))].sort(([a], [b]) => a - b)).toEqual([
      [2, bytes(2)],
      [10, bytes(10, 10)],
    ])
    await second.close()
  })

  test('removed entries and those set aside are gone, unknown ids are ignored', async () => {
    const storage = create()
    await storage.open()
    const { freeBytes } = await storage.commit(transaction({ remove: [2, 55], setAside: [9, 56] }))
    expect(freeBytes).toBeGreaterThan(0)
    expect((await storage.read([2, 9])).size).toBe(0)
    await storage.close()
    const again = create()
    expect((await again.open()).entries.map(({ id }) => id)).toEqual([10])
    await again.close()
  })

  test('a transaction puts, removes and sets as one', async () => {
    const storage = create()
    await storage.open()
    await storage.commit(
      transaction({ put: [{ id: 11, meta: '', payload: new Uint8Array(100_000) }], remove: [10], set: new Map([['d', '']]) }),
    )
    await storage.close()
    const again = create()
    const { entries, small } = await again.open()
    expect(entries.map(({ id }) => id)).toEqual([11])
    expect(small.get('d')).toBe('')
    expect((await again.read([11])).get(11)?.length).toBe(100_000)
    await again.close()
  })
}
