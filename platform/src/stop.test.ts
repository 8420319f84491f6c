import { describe, expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { stopInOrder, stopMsMax } from './stop.ts'

/** Time passes a hundred times as fast. */
const fast: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 100,
  after(ms, call) {
    const timer = setTimeout(call, ms / 100)
    return () => clearTimeout(timer)
  },
}

function logOf() {
  const said: [string, Record<string, unknown> | undefined][] = []
  const say = (message: string, fields?: Record<string, unknown>) => void said.push([message, fields])
  return { said, log: { info: say, warn: say, error: say } satisfies Log }
}

const never = () => new Promise<void>(() => {})

describe('a stop of several parts', () => {
  it('stops each after the one before has ended', async () => {
    const { log, said } = logOf()
    const order: string[] = []
    const part = (name: string) => ({
      name,
      async stop() {
        order.push(`${name} stops`)
        await new Promise((resolve) => setTimeout(resolve, 2))
        order.push(`${name} ended`)
      },
    })
    expect(await stopInOrder([part('a'), part('b')], { clock: fast, log })).toEqual([])
    expect(order).toEqual(['a stops', 'a ended', 'b stops', 'b ended'])
    expect(said).toEqual([])
  })

  it('is bounded however many never end, and names them', async () => {
    const { log, said } = logOf()
    let ended = 0
    const parts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name) => ({ name, stop: never }))
    const startedMs = fast.monotonic()
    const unended = await stopInOrder([...parts, { name: 'last', stop: () => void ended++ }], { clock: fast, log })
    expect(unended).toEqual(parts.map(({ name }) => name))
    // Each of the real timers behind it may be some ms late, which counts a hundredfold.
    expect(fast.monotonic() - startedMs).toBeLessThan(stopMsMax(10) + 5000)
    expect(stopMsMax(10)).toBeLessThan(8000)
    expect(ended).toBe(1)
    expect(said).toEqual([[expect.stringContaining('without waiting'), { unended }]])
  })

  it('goes on past a part that fails, and fails with its error at the end', async () => {
    const { log } = logOf()
    let ended = 0
    const failing = {
      name: 'disk',
      stop() {
        throw new Error('disk gone')
      },
    }
    const rest = { name: 'rest', stop: async () => void ended++ }
    await expect(stopInOrder([failing, rest], { clock: fast, log })).rejects.toThrow('disk gone')
    expect(ended).toBe(1)
  })
})
