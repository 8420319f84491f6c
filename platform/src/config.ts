/**
 * Configuration: a YAML file checked against a zod schema whose every key has a default. Its values may name environment variables
 * (variables.ts), and the environment may override a key (overrides.ts). Secrets come by file or environment.
 */
import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument, type YAMLParseError } from 'yaml'
import type { z } from 'zod'
import { MillraceError } from './errors.ts'
import { override } from './overrides.ts'
import { putVariables } from './variables.ts'

/**
 * Reads and checks a file. @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID naming each key and value at fault.
 * @param change makes of what the file says what is checked
 */
export function loadConfig<S extends z.ZodType>(
  schema: S,
  path: string | undefined,
  env: NodeJS.ProcessEnv = {},
  change: (raw: unknown) => unknown = (raw) => raw,
): z.infer<S> {
  const raw = change(path === undefined ? {} : readYaml(path, env))
  return checkConfig(schema, override(schema, raw, env), path ?? '(defaults)')
}

function readYaml(path: string, env: NodeJS.ProcessEnv): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new MillraceError('CONFIG_NOT_FOUND', { path }, cause)
  }
  return parseYaml(text, path, env)
}

/** @throws MillraceError CONFIG_INVALID @param path what the text is called in it @param env its variables; absent: they stay as they are written */
export function parseYaml(text: string, path: string, env?: NodeJS.ProcessEnv): unknown {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) throw new MillraceError('CONFIG_INVALID', { path, detail: yamlFault(error, lines) })
  const missing = env ? putVariables(document.contents, env) : []
  if (missing.length > 0) throw new MillraceError('CONFIG_INVALID', { path, detail: missing.join('; ') })
  return document.toJS() ?? {}
}

/** Where it is and what, without what is written there: it may be a secret. */
function yamlFault({ code, message, pos }: YAMLParseError, lines: LineCounter): string {
  const { line, col } = lines.linePos(pos[0])
  return `line ${line}, column ${col}: ${code}, ${message.replace(/["'`].*/s, '').replace(/[ :]+$/, '')}`
}

export function checkConfig<S extends z.ZodType>(schema: S, raw: unknown, path: string): z.infer<S> {
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  const detail = result.error.issues.flatMap((issue) => faultsOf(raw, issue)).join('; ')
  throw new MillraceError('CONFIG_INVALID', { path, detail })
}

/** `web.port = "x": what is wrong`; of a key that is not known, that one and not all that is beside it. */
function faultsOf(raw: unknown, issue: z.core.$ZodIssue): string[] {
  const { path } = issue
  const inside = insideOf(issue)
  if (inside.length > 0) return inside.flatMap((each) => faultsOf(raw, { ...each, path: [...path, ...each.path] }))
  // A choice whose key may be left out counts as one of its values.
  if (issue.code !== 'unrecognized_keys')
    return [
      `${path.join('.') || '(whole)'} = ${shown(path, valueAt(raw, path))}${beside(raw, issue)}: ${issue.message.replace(/ \| 'undefined'/, '')}`,
    ]
  return issue.keys.map((key) => `${[...path, key].join('.')}${ofUnknown(raw, [...path, key])}: there is no such key`)
}

/** Where a value may have several shapes: the faults of the one shape that it has. */
function insideOf(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return []
  const shapes = issue.errors.filter((faults) => !faults.some(({ code, path }) => code === 'invalid_type' && path.length === 0))
  return shapes.length === 1 ? shapes[0]! : []
}

/** Without the key that says what a section is, nobody knows its other keys: one of them may be that key misspelt. */
function beside(raw: unknown, { code, path }: z.core.$ZodIssue): string {
  const section = valueAt(raw, path.slice(0, -1))
  const isChoice = code === 'invalid_union' || code === 'invalid_value'
  if (!isChoice || valueAt(raw, path) !== undefined || typeof section !== 'object' || section === null) return ''
  return ` in ${keysOf(section)}`
}

const secretKey = /pa?ss?(?:wo?r?d|phrase)|pwd|secret|token|credential|key|auth|headers|cookie/i
const shownMax = 200

/**
 * A value for people. Of a section its keys are shown only, since there may be secrets beside the one that is wrong; the value of a key
 * that sounds like a secret is not shown, nor what stands before the @ of an address.
 */
function shown(path: PropertyKey[], value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? `a list of ${value.length}` : keysOf(value)
  if (path.some((key) => secretKey.test(String(key)))) return hidden
  return JSON.stringify(value)
    .replace(/(\/\/)[^/\s]*@/g, '$1***@')
    .slice(0, shownMax)
}

/** Of a key that nobody knows a text may be a secret under a misspelt name. */
function ofUnknown(raw: unknown, path: PropertyKey[]): string {
  const value = valueAt(raw, path)
  return ` = ${typeof value === 'string' ? hidden : shown(path, value)}`
}

const hidden = '(not shown)'
const keysOf = (section: object) => `{ ${Object.keys(section).join(', ')} }`

function valueAt(raw: unknown, path: PropertyKey[]): unknown {
  let at = raw as Record<PropertyKey, unknown> | undefined
  for (const key of path) at = at?.[key] as Record<PropertyKey, unknown> | undefined
  return at
}
