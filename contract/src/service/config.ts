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
  return checkConfig(schema, overlay(raw, env), path ?? '(defaults)')
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

/** `MILLRACE_A_B=x` sets `a.b`; the key's spelling is matched without case, words joined. */
function overlay(raw: unknown, env: NodeJS.ProcessEnv): unknown {
  const result = structuredClone(raw) as Record<string, unknown>
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('MILLRACE_') || value === undefined) continue
    const path = name.slice('MILLRACE_'.length).toLowerCase().split('_')
    let at = result
    for (const [index, word] of path.entries()) {
      const key = Object.keys(at).find((k) => k.toLowerCase() === word) ?? word
      if (index === path.length - 1) at[key] = parse(value)
      else {
        at[key] ??= {}
        at = at[key] as Record<string, unknown>
      }
    }
  }
  return result
}
