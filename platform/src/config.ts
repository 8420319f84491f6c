/**
 * Configuration: a YAML file checked against a zod schema whose every key has a default. Environment variables
 * `MILLRACE_<PATH>` override a key (`MILLRACE_BROKER_URL` is `broker.url`). Secrets come by file or environment.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { z } from 'zod'
import { MillraceError } from './errors.ts'

/** Reads and checks a file. @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID naming each key and value at fault. */
export function loadConfig<S extends z.ZodType>(schema: S, path: string | undefined, env: NodeJS.ProcessEnv = {}): z.infer<S> {
  let raw: unknown = {}
  if (path !== undefined) {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (cause) {
      throw new MillraceError('CONFIG_NOT_FOUND', { path }, cause)
    }
    try {
      raw = parse(text) ?? {}
    } catch (cause) {
      throw new MillraceError('CONFIG_INVALID', { path, detail: `${cause}` }, cause)
    }
  }
  return checkConfig(schema, overlay(schema, raw, env), path ?? '(defaults)')
}

export function checkConfig<S extends z.ZodType>(schema: S, raw: unknown, path: string): z.infer<S> {
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  const detail = result.error.issues
    .map(
      (issue) =>
        `${issue.path.join('.') || '(whole)'} = ${JSON.stringify(valueAt(raw, issue.path)) ?? 'nothing'}: ${issue.message}`,
    )
    .join('; ')
  throw new MillraceError('CONFIG_INVALID', { path, detail })
}

function valueAt(raw: unknown, path: PropertyKey[]): unknown {
  let at = raw as Record<PropertyKey, unknown> | undefined
  for (const key of path) at = at?.[key] as Record<PropertyKey, unknown> | undefined
  return at
}

/**
 * `MILLRACE_A_B=x` sets `a.b`. The spelling of a key comes from the schema; a variable whose first word is no key of it is
 * somebody else's.
 */
function overlay(schema: z.ZodType, raw: unknown, env: NodeJS.ProcessEnv): unknown {
  let result = raw
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('MILLRACE_') || value === undefined) continue
    const words = name.slice('MILLRACE_'.length).toLowerCase().split('_')
    const path = spell(schema, words)
    if (path.length > 0) result = setAt(result, path, parse(value))
  }
  return result
}

/** The keys that these words name; the last one as it was given when the schema has no such key. Empty when the first has none. */
function spell(schema: z.ZodType, words: string[]): string[] {
  const path: string[] = []
  let at: z.ZodType | undefined = schema
  for (const word of words) {
    const shape: Record<string, z.ZodType> = shapeOf(at)
    const key = Object.keys(shape).find((candidate) => candidate.toLowerCase() === word)
    if (key === undefined && path.length === 0) return []
    path.push(key ?? word)
    at = key === undefined ? undefined : shape[key]
  }
  return path
}

function shapeOf(schema: z.ZodType | undefined): Record<string, z.ZodType> {
  let at = schema as { def?: { innerType?: z.ZodType; in?: z.ZodType }; shape?: Record<string, z.ZodType> } | undefined
  while (at && !at.shape) at = (at.def?.innerType ?? at.def?.in) as typeof at
  return at?.shape ?? {}
}

function setAt(raw: unknown, [key, ...rest]: string[], value: unknown): unknown {
  const object = raw !== null && typeof raw === 'object' ? (raw as Record<string, unknown>) : {}
  return { ...object, [key!]: rest.length === 0 ? value : setAt(object[key!], rest, value) }
}
