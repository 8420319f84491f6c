/** Every record that the real stages make is what docs/reference/asyncapi.yaml says, and nothing more. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaLogSchema } from '@millrace/cloud-processor/log'
import { encodeRaw, type Topic, topics } from '@millrace/contract'
import { Ajv, type ValidateFunction } from 'ajv'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { liveThrough } from '../support/life/life.ts'
import { outputsOf } from '../support/life/stages.ts'
import { root } from './sources.ts'

const page = parse(readFileSync(join(root, 'docs/reference/asyncapi.yaml'), 'utf8'))
const validate = validators()

test('every record that prepare and rules make is as published', () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 3), (seed, partitions) => {
      for (const { topic, value } of outputsOf(liveThrough(seed, 60), partitions)) {
        const record = JSON.parse(Buffer.from(value).toString())
        expect(faultsOf(topic, record), JSON.stringify(record).slice(0, 400)).toEqual([])
        const kind = `${topic} ${record.k} ${record.change ?? ''}`.trim()
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }
    }),
    { numRuns: 20 },
  )
  expect([...seen.keys()].toSorted()).toEqual([
    'millrace.alarms alarm acknowledged',
    'millrace.alarms alarm cleared',
    'millrace.alarms alarm raised',
    'millrace.alarms notification',
    'millrace.rejected rejected',
    'millrace.timeline birth',
    'millrace.timeline control',
    'millrace.timeline cut',
    'millrace.timeline death',
    'millrace.timeline declaration',
    'millrace.timeline event',
    'millrace.timeline gap',
    'millrace.timeline node',
    'millrace.timeline readings',
    'millrace.timeline tick',
  ])
})

test('the topics are published as the Kafka log makes them', () => {
  const { partitions, replicas } = kafkaLogSchema.parse({})
  for (const { bindings } of Object.values<{ bindings: { kafka: object } }>(page.channels))
    expect(bindings.kafka).toMatchObject({ partitions, replicas })
})

test('every tick and order on raw is as published, behind its byte', () => {
  for (const { raw } of liveThrough(1, 60).records) {
    const bytes = Buffer.from(encodeRaw(raw))
    expect(bytes[0]).toBe(raw.k === 'message' ? 1 : 2)
    if (bytes[0] === 2) expect(faultsOf(topics.raw, JSON.parse(bytes.toString('utf8', 1)))).toEqual([])
  }
})

test('a record that is not as published is found', () => {
  const good = { f: 1, k: 'tick', atMs: 5 }
  expect(faultsOf(topics.timeline, good)).toEqual([])
  for (const bad of [
    { ...good, extra: 1 },
    { ...good, f: 2 },
    { ...good, atMs: '5' },
    { f: 1, k: 'tick' },
    { ...good, k: 'tock' },
  ])
    expect(faultsOf(topics.timeline, bad)).not.toEqual([])
  const readings = { f: 1, k: 'readings', subject: 's', device: 'd', hist: false, receivedMs: 5, waves: {} }
  expect(faultsOf(topics.timeline, { ...readings, channels: { hr: { t: [5], v: [60] } } })).toEqual([])
  for (const column of [
    { t: [5], v: [null] },
    { t: [5], v: [60], q: [3] },
    { t: [0.5], v: [60] },
    { t: [5], v: [60], unit: '%' },
  ])
    expect(faultsOf(topics.timeline, { ...readings, channels: { hr: column } })).not.toEqual([])
  const faults = faultsOf(topics.alarms, { f: 1, k: 'notification', key: 'a', alarm: {} })
  expect(faults.join()).toContain('/alarm')
})

/** What the page says about records of this kind, by topic and `k`. */
function faultsOf(topic: Topic, record: Record<string, unknown>): string[] {
  const check = validate.get(`${topic} ${record.k}`)
  if (!check) return [`no message of ${topic} has k = ${record.k}`]
  check(record)
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

function validators(): Map<string, ValidateFunction> {
  const ajv = new Ajv({ strict: false, allErrors: true })
  ajv.addSchema({ $id: 'page', ...closed(page) })
  const found = new Map<string, ValidateFunction>()
  for (const { address, messages } of Object.values<{ address: string; messages: object }>(page.channels)) {
    for (const name of Object.keys(messages)) {
      const kind = page.components.schemas[name]?.properties?.k
      for (const k of kind?.enum ?? [kind?.const])
        if (k) found.set(`${address} ${k}`, ajv.getSchema(`page#/components/schemas/${name}`)!)
    }
  }
  return found
}

/** The page leaves objects open for what a later version may add; here nothing may come that it does not name. */
function closed(schema: unknown): object {
  if (Array.isArray(schema)) return schema.map(closed)
  if (schema === null || typeof schema !== 'object') return schema as never
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)])
  const isOpen = 'properties' in schema && 'type' in schema && !('additionalProperties' in schema)
  return { ...Object.fromEntries(entries), ...(isOpen ? { additionalProperties: false } : {}) }
}
