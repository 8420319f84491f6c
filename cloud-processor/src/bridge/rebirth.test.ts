import { encodeJson, rebirthWanted } from '@millrace/contract'
import { decodePayload } from '@millrace/contract/sparkplug'
import { type Clock, createMetrics, silentLog } from '@millrace/platform'
import { beforeEach, expect, test } from 'vitest'
import { createRebirths } from './rebirth.ts'

const published: string[] = []
let nowMs: number
const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} }
const transport = {
  publish(topic: string, payload: Uint8Array | string) {
    const [metric] = decodePayload(payload as Uint8Array).metrics
    published.push(`${topic} ${metric!.name} ${metric!.value}`)
  },
}
const request = (device: string, atMs: number, code = rebirthWanted) =>
  encodeJson({ f: 1, k: 'event', subject: device, device, atMs, level: 'warn', code, text: `${rebirthWanted} in the text` })

let rebirths: ReturnType<typeof createRebirths>
beforeEach(() => {
  nowMs = 1e12
  published.length = 0
  rebirths = createRebirths({ transport, clock, logger: silentLog, metrics: createMetrics() })
})

test('asks the node by NCMD', () => {
  rebirths.see(request('g/n', nowMs - 900))
  expect(published).toEqual(['spBv1.0/g/NCMD/n Node Control/Rebirth true'])
})

test('does not ask for what is old, said of the future, or no request', () => {
  rebirths.see(request('g/n', nowMs - 60_000))
  rebirths.see(request('g/n', nowMs + 60_000))
  rebirths.see(request('g/n', nowMs, 'ANOTHER'))
  rebirths.see(encodeJson({ f: 1, k: 'tick', atMs: nowMs }))
  expect(published).toEqual([])
})

test('asks one node once in a while, and each for itself', () => {
  rebirths.see(request('g/n', nowMs))
  rebirths.see(request('g/n', nowMs))
  rebirths.see(request('g/m', nowMs))
  expect(published).toHaveLength(2)
  nowMs += 5_000
  rebirths.see(request('g/n', nowMs))
  expect(published).toHaveLength(3)
})

test('asks nobody whose name would be another topic', () => {
  for (const name of ['g', 'g/', '/n', 'g/#']) rebirths.see(request(name, nowMs))
  expect(published).toEqual([])
})
