/**
 * `MILLRACE_A_B=x` in the environment sets `a.b`. Capitals and separators of a key do not count: `bytesMax` is BYTESMAX or BYTES_MAX.
 * An entry of a list is named by its number, a name that the user chose by its word in small letters. The value is YAML.
 */
import { parse } from 'yaml'
import type { z } from 'zod'

type Path = (string | number)[]
type Step = [key: string | number, words: number, below: z.ZodType[]]

/** How far words name keys of a schema. */
interface Named {
  path: Path
  /** Words behind it that name nothing. */
  left: string[]
  schemas: z.ZodType[]
}

/** A variable whose first words do not name a key of the schema is ignored: it belongs to another program. */
export function override(schema: z.ZodType, raw: unknown, env: NodeJS.ProcessEnv): unknown {
  let result = raw
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('MILLRACE_') || value === undefined) continue
    const words = name.slice('MILLRACE_'.length).toLowerCase().split('_')
    const { path, left, schemas } = nameKeys([schema], words)
    if (path.length > 0) result = setAt(result, [...path, ...left], valueFor(value, schemas))
  }
  return result
}

/** The reading that leaves the fewest words, of those the one whose keys are the shortest: RETENTION_DAYS is first of all `retention.days`. */
function nameKeys(schemas: z.ZodType[], words: string[]): Named {
  let best: Named = { path: [], left: words, schemas }
  for (const [key, count, below] of stepsFrom(schemas, words).sort(([, a], [, b]) => a - b)) {
    const rest = nameKeys(below, words.slice(count))
    if (rest.left.length < best.left.length) best = { ...rest, path: [key, ...rest.path] }
  }
  return best
}

/** Every key that some of the first words name: how many of them, and what is below it. */
function stepsFrom(schemas: z.ZodType[], words: string[]): Step[] {
  const [first] = words
  return schemas.flatMap(plainSchemas).flatMap(({ shape = {}, element, valueType }): Step[] => {
    if (first === undefined) return []
    if (element) return /^\d+$/.test(first) ? [[Number(first), 1, [element]]] : []
    if (valueType) return [[first, 1, [valueType]]]
    const keys = Object.keys(shape).map((key): Step => [key, wordsOf(key, words), [shape[key]!]])
    return keys.filter(([, count]) => count > 0)
  })
}

/** How many of the first words together are the key; 0: it is another. */
function wordsOf(key: string, words: string[]): number {
  const bare = key.toLowerCase().replace(/[^a-z0-9]/g, '')
  let joined = ''
  for (let count = 1; count <= words.length && joined.length < bare.length; count++) {
    joined += words[count - 1]
    if (joined === bare) return count
  }
  return 0
}

/** What of zod's schemas is looked at: an object has a shape, a list an element, a record a valueType; the others hold schemas. */
interface Plain {
  type: string
  shape?: Record<string, z.ZodType>
  element?: z.ZodType
  valueType?: z.ZodType
  innerType?: z.ZodType
  in?: z.ZodType
  options?: z.ZodType[]
}

/** Without defaults and the like around it; of a union, each. */
function plainSchemas(schema: z.ZodType): Plain[] {
  const def = schema.def as Plain
  const inside = def.options ?? [def.innerType ?? def.in].filter((inner) => inner !== undefined)
  return inside.length > 0 ? inside.flatMap(plainSchemas) : [def]
}

/** A text that looks like a number stays one where only a text is wanted. */
function valueFor(text: string, schemas: z.ZodType[]): unknown {
  const isText = schemas.flatMap(plainSchemas).every(({ type }) => type === 'string')
  const value: unknown = parse(text)
  return isText && typeof value !== 'string' ? text : value
}

function setAt(raw: unknown, [key, ...rest]: Path, value: unknown): unknown {
  const below = (raw as Record<string | number, unknown> | null | undefined)?.[key!]
  const set = rest.length === 0 ? value : setAt(below, rest, value)
  if (typeof key !== 'number') return { ...(raw !== null && typeof raw === 'object' ? raw : {}), [key!]: set }
  const list = Array.isArray(raw) ? [...raw] : []
  list[key] = set
  return list
}
