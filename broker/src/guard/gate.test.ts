import { expect, test } from 'vitest'
import { Gate } from './gate.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('what is left of a turn is shared, and the next turn has all of it again', async () => {
  const gate = new Gate(100)
  gate.took(60)
  expect(gate.open).toBe(true)
  gate.took(60)
  expect(gate.open).toBe(false)
  const served: string[] = []
  gate.wait(() => served.push('first'))
  await turn()
  expect(gate.open).toBe(true)
  expect(served).toEqual(['first'])
})

test('who waits is served in order, no more in a turn than fits', async () => {
  const gate = new Gate(100)
  const served: number[] = []
  gate.took(100)
  for (let i = 0; i < 4; i++)
    gate.wait(() => {
      served.push(i)
      gate.took(50)
    })
  await turn()
  expect(served).toEqual([0, 1])
  await turn()
  expect(served).toEqual([0, 1, 2, 3])
})

test('while one subscriber is over its bound nobody goes through', async () => {
  const gate = new Gate(100)
  gate.shut()
  gate.shut()
  let served = 0
  gate.wait(() => served++)
  gate.unshut()
  await turn()
  expect([gate.open, served]).toEqual([false, 0])
  gate.unshut()
  await turn()
  expect([gate.open, served]).toEqual([true, 1])
})
