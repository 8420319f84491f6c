/**
 * Configuration: a YAML file checked against a zod schema whose every key has a default. Its values may name environment variables
 * (variables.ts), and the environment may override a key (overrides.ts). Secrets come by file or environment.
 */
import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { MillraceError } from './errors.ts'
import { override } from './overrides.ts'
import { putVariables } from './variables.ts'

/** Reads and checks a file. @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID naming each key and value at fault. */
export function loadConfig<S extends z.ZodType>(schema: S, path: string | undefined, env: NodeJS.ProcessEnv = {}): z.infer<S> {
  const raw = path === undefined ? {} : readYaml(path, env)
  return checkConfig(schema, override(schema, raw, env), path ?? '(defaults)')
}

function readYaml(path: string, env: NodeJS.ProcessEnv): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new MillraceError('CONFIG_NOT_FOUND', { path }, cause)
  }
  const document = parseDocument(text)
  const [error] = document.errors
  if (error) throw new MillraceError('CONFIG_INVALID', { path, detail: `${error}` }, error)
  const missing = putVariables(document.contents, env)
  if (missing.length > 0) throw new MillraceError('CONFIG_INVALID', { path, detail: missing.join('; ') })
  return document.toJS() ?? {}
}

export function checkConfig<S extends z.ZodType>(schema: S, raw: unknown, path: string): z.infer<S> {
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  const detail = result.error.issues.flatMap((issue) => faultsOf(raw, issue)).join('; ')
  throw new MillraceError('CONFIG_INVALID', { path, detail })
}

/** `web.port = "x": what is wrong`; of a key that is not known, that one and not all that is beside it. */
function faultsOf(raw: unknown, issue: z.core.$ZodIssue): string[] {
  const said = (path: PropertyKey[], message: string) =>
    `${path.join('.') || '(whole)'} = ${JSON.stringify(valueAt(raw, path)) ?? 'nothing'}: ${message}`
  // A choice whose key may be left out counts as one of its values.
  if (issue.code !== 'unrecognized_keys') return [said(issue.path, issue.message.replace(/ \| 'undefined'/, ''))]
  return issue.keys.map((key) => said([...issue.path, key], 'there is no such key'))
}

function valueAt(raw: unknown, path: PropertyKey[]): unknown {
  let at = raw as Record<PropertyKey, unknown> | undefined
  for (const key of path) at = at?.[key] as Record<PropertyKey, unknown> | undefined
  return at
}
