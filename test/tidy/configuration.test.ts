import { expect, test } from 'vitest'
import { z } from 'zod'
import { brokerSchema } from '../../broker/src/config.ts'
import { caSchema } from '../../cli/src/ca/config.ts'
import { extracts } from '../../cli/src/import/extracts/index.ts'
import { jobSchema } from '../../cli/src/import/job.ts'
import { processorSchema } from '../../cloud-processor/src/config.ts'
import { busPlugins } from '../../edge-agent/src/bus/index.ts'
import { agentSchema } from '../../edge-agent/src/config.ts'
import { decoderPlugins } from '../../edge-agent/src/decoders/index.ts'
import { filterPlugins } from '../../edge-agent/src/filters/index.ts'
import { unreadKeys } from './unread-keys.ts'

interface JsonSchema {
  properties?: Record<string, JsonSchema>
  additionalProperties?: boolean | JsonSchema
}

const kindsOf = (name: string, plugins: Record<string, { schema: z.ZodType }>) =>
  Object.entries(plugins).map(([kind, { schema }]) => [`${name} ${kind}`, schema] as const)
const schemas: (readonly [string, z.ZodType])[] = [
  ['agent', agentSchema],
  ['broker', brokerSchema],
  ['processor', processorSchema],
  ['ca', caSchema],
  ['job', jobSchema],
  ...kindsOf('bus', busPlugins),
  ...kindsOf('decoder', decoderPlugins),
  ...kindsOf('extract', extracts),
  ...kindsOf('filter', filterPlugins),
]
/** Their further keys are checked by the schema of their kind. */
const byKind = /^agent(?:\.\w+)*\.(?:bus|decoder|filters\.\*)$|^job(?:\.\w+)*\.extract$/

test.each(schemas)('%s: a key that is not known is refused, in every section', (name, schema) => {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  expect(
    openSections(whole as JsonSchema, name).filter((path) => !byKind.test(path)),
    'use z.strictObject',
  ).toEqual([])
})

function openSections(node: JsonSchema, path: string): string[] {
  if (node === null || typeof node !== 'object') return []
  const isOpen = node.properties !== undefined && node.additionalProperties !== false
  const below = Object.entries(node).flatMap(([key, child]) => {
    if (key === 'properties') return Object.entries(node.properties!).flatMap(([name, of]) => openSections(of, `${path}.${name}`))
    if (key === 'additionalProperties') return openSections(child as JsonSchema, `${path}.*`)
    return Array.isArray(child) ? child.flatMap((one) => openSections(one, path)) : openSections(child as JsonSchema, path)
  })
  return isOpen ? [path, ...below] : below
}

test('every key of a configuration is read by some code', () => {
  expect(unreadKeys(), 'give the key an effect, or take it out of the schema').toEqual([])
}, 120_000)

test('a key that nothing reads is found', () => {
  const schema = 'export const s = z.strictObject({ used: z.string(), taken: z.string(), idle: z.string() })'
  const reader = 'export const f = (c: { used: string; idle: string }, { taken }: C) => c.used + taken + g({ idle: 1 })'
  const file = (name: string, text: string) => ({ path: `broker/src/${name}.ts`, text, imports: [] })
  expect(unreadKeys([file('config', schema), file('reader', reader)])).toEqual(['broker/src/config.ts: idle'])
})
