/** Every key of a schema misspelt, each in a configuration that holds nothing but the way to it. */
import { z } from 'zod'

/** What of JSON Schema zod makes of our schemas. */
interface Node {
  const?: unknown
  enum?: string[]
  properties?: Record<string, Node>
  propertyNames?: Node
  additionalProperties?: Node | boolean
  items?: Node
  prefixItems?: Node[]
  anyOf?: Node[]
  oneOf?: Node[]
  allOf?: Node[]
}

export interface Misspelling {
  /** As the refusal names it. */
  path: string
  raw: unknown
}

/** Where a section is: how a value is put there, and its path. */
interface Place {
  path: string[]
  put(value: unknown): unknown
}

export function misspellings(schema: z.ZodType): Misspelling[] {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Node
  const found = new Map<string, Misspelling>()
  walk(whole, { path: [], put: (value) => value }, (one) => found.set(JSON.stringify(one.raw), one))
  return [...found.values()]
}

function walk(node: Node, place: Place, add: (one: Misspelling) => void): void {
  for (const part of [node.anyOf, node.oneOf, node.allOf].flatMap((parts) => parts ?? [])) walk(part, place, add)
  const { properties = {}, additionalProperties: others, items, prefixItems } = node
  for (const [key, below] of Object.entries(properties)) {
    const { [key]: _, ...kind } = kindOf(properties)
    for (const wrong of wrongly(key).filter((each) => !(each in properties)))
      add({ path: [...place.path, wrong].join('.'), raw: place.put({ ...kind, [wrong]: below.const ?? 'text' }) })
    walk(below, { path: [...place.path, key], put: (value) => place.put({ ...kind, [key]: value }) }, add)
  }
  const name = node.propertyNames?.enum?.[0] ?? 'a'
  if (typeof others === 'object') walk(others, { path: [...place.path, name], put: (value) => place.put({ [name]: value }) }, add)
  const first = items ?? prefixItems?.[0]
  if (first) walk(first, { path: [...place.path, '0'], put: (value) => place.put([value]) }, add)
}

/** The keys that tell one kind of section from another. */
function kindOf(properties: Record<string, Node>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, { const: one }]) => (one === undefined ? [] : [[key, one]])),
  )
}

/** Two letters exchanged, one too many, a capital where none is. */
function wrongly(key: string): string[] {
  const exchanged = key.slice(0, -2) + [...key.slice(-2)].reverse().join('')
  return [...new Set([exchanged, `${key}s`, key[0]!.toUpperCase() + key.slice(1)])].filter((wrong) => wrong !== key)
}
