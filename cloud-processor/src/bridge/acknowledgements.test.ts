import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Acknowledgements } from './acknowledgements.ts'

function collect() {
  const acknowledged: number[] = []
  let dropped = 0
  const one = new Acknowledgements({ acknowledge: (id) => acknowledged.push(id), dropped: () => dropped++ })
  return { one, acknowledged, dropped: () => dropped }
}

test('whatever order messages become durable in, each is acknowledged once, in the order it came, and never before it is durable', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...Array(60).keys()], { minLength: 60 }), fc.nat(60), (order, upTo) => {
      const { one, acknowledged } = collect()
      const settled = order.map((_, id) => one.add(id, 10))
      const durable = new Set<number>()
      for (const id of order.slice(0, upTo)) {
        durable.add(id)
        settled[id]!(true)
        const first = [...Array(60).keys()].find((k) => !durable.has(k)) ?? 60
        expect(acknowledged).toEqual([...Array(first).keys()])
        expect(one.bytes).toBe((60 - first) * 10)
      }
    }),
  )
})

test('one that is dropped is not acknowledged, nor any that came after it', () => {
  const { one, acknowledged, dropped } = collect()
  const [a, b, c] = [one.add(1, 1), one.add(2, 1), one.add(3, 1)]
  c(true)
  b(false)
  a(true)
  expect([acknowledged, dropped()]).toEqual([[1], 1])
})

test('is idle when everything is acknowledged, and at the end of the connection', async () => {
  const { one, acknowledged } = collect()
  await one.idle()
  const settled = one.add(1, 1)
  const idle = one.idle()
  settled(true)
  await idle
  const late = one.add(2, 1)
  const ended = one.idle()
  one.end()
  await ended
  late(true)
  expect(acknowledged).toEqual([1])
})
