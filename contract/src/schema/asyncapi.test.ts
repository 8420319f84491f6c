import specs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { asyncApi } from './asyncapi.ts'

/** Brings its own copy of the draft-07 meta-schema. */
const official = () => {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, meta: false, validateSchema: false })
  addFormats.default(ajv)
  return ajv.compile(specs.schemas['3.0.0'] as object)
}

test('the document is what AsyncAPI 3.0 says a document is', () => {
  const validate = official()
  validate(asyncApi())
  expect(validate.errors).toBeNull()
})

test('the official schema refuses a document that is none', () => {
  const validate = official()
  const { channels, ...rest } = asyncApi()
  expect(validate({ ...rest, channels, operations: { broken: { action: 'read' } } })).toBe(false)
  const kafka = { partitions: 0, bindingVersion: '0.5.0' }
  expect(validate({ ...rest, channels: { one: { address: 'one', bindings: { kafka } } } })).toBe(false)
})

test('every reference leads somewhere, and every named schema is used', () => {
  const document = asyncApi() as Record<string, never>
  const references = new Set([...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1]!))
  const find = (path: string) => path.split('/').reduce<Record<string, never> | undefined>((at, key) => at?.[key], document)
  expect([...references].filter((path) => find(path) === undefined)).toEqual([])
  const schemas = Object.keys(find('components/schemas')!)
  expect(schemas.filter((name) => !references.has(`components/schemas/${name}`))).toEqual([])
})

test('every field of every record is described', () => {
  const undescribed: string[] = []
  const visit = (at: unknown, path: string): void => {
    if (at === null || typeof at !== 'object') return
    for (const [name, field] of Object.entries((at as { properties?: object }).properties ?? {}))
      if (!('description' in field) && !('$ref' in field)) undescribed.push(`${path}/${name}`)
    for (const [key, value] of Object.entries(at)) visit(value, `${path}/${key}`)
  }
  visit((asyncApi().components as { schemas: object }).schemas, '')
  expect(undescribed, 'Add .describe() with the unit.').toEqual([])
})
