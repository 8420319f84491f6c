import { expect, test } from 'vitest'
import { type Place, Room, steadyMs } from './room.ts'

const place = (node: string): Place => ({ node, firstMs: 0, lastMs: 0 })

function roomOf(placesMax: number) {
  const left: string[] = []
  const room = new Room<Place>({ placesMax, aliveMs: 5000 }, (device) => left.push(device))
  const speak = (device: string, node: string, atMs: number) => {
    const known = room.get(device)
    const own = known ?? place(node)
    if (!known && !room.add(device, own, atMs)) return
    room.heard(device, own, atMs)
  }
  const names = () => [...new Set(left)].filter((device) => !room.get(device))
  return { room, left, speak, names }
}

test('a node that invents devices takes places of its own share only', () => {
  const { room, speak } = roomOf(100)
  for (let k = 0; k < 40; k++) speak(`real-${k}`, 'ward', 1)
  for (let k = 0; k < 5000; k++) speak(`invented-${k}`, 'hostile', 2 + k)
  for (let k = 0; k < 40; k++) expect(room.get(`real-${k}`)).toBeDefined()
  expect([...room.values()]).toHaveLength(100)
})

test('a node that comes to a full page gets its share from the one that has most', () => {
  const { room, speak } = roomOf(100)
  for (let k = 0; k < 200; k++) speak(`invented-${k}`, 'hostile', k)
  for (let k = 0; k < 60; k++) speak(`real-${k}`, 'ward', 1000 + k)
  expect([...room.ofNode('ward')]).toHaveLength(50)
})

test('among plain devices, which are one node, those that speak once go before those that are heard steadily', () => {
  const { room, speak, left } = roomOf(50)
  const healthy = Array.from({ length: 20 }, (_, k) => `sensor-${k}`)
  let invented = 0
  for (let second = 0; second < 30; second++) {
    for (const device of healthy) speak(device, 'plain', 1000 + second * steadyMs)
    for (let k = 0; k < 300; k++) speak(`invented-${invented++}`, 'plain', 1000 + second * steadyMs + k)
  }
  for (const device of healthy) expect(room.get(device)).toBeDefined()
  expect(left.length).toBeGreaterThan(8000)
})

test('a device that is silent gives its place to one that speaks, one that is alive does not', () => {
  const { room, speak, names } = roomOf(2)
  for (const atMs of [1000, 3000]) for (const device of ['a', 'b']) speak(device, 'ward', atMs)
  speak('c', 'ward', 4000)
  expect(names()).toEqual(['c'])
  speak('b', 'ward', 9000)
  speak('c', 'ward', 9001)
  expect(room.get('a')).toBeUndefined()
  expect(room.get('b')).toBeDefined()
  expect(room.get('c')).toBeDefined()
})
