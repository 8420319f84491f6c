/**
 * docs/reference/configuration.md, from the zod schemas that check the configuration files, by way of their JSON Schema: one
 * table for each process, a line for each key with its type, default and description.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${NAME}` is what a configuration file says.
import { hostname } from 'node:os'
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
import { head, table } from './text.ts'

/** What of JSON Schema zod makes of our schemas. */
interface Node {
  $ref?: string
  type?: string
  description?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  pattern?: string
  properties?: Record<string, Node>
  required?: string[]
  additionalProperties?: Node | boolean
  items?: Node
  anyOf?: Node[]
  oneOf?: Node[]
  allOf?: Node[]
}

export interface Key {
  path: string
  type: string
  /** Undefined: none. */
  default: string | undefined
  required: boolean
  description: string
}

export const files = [
  { title: 'The edge agent', file: 'agent.yaml', schema: agentSchema },
  { title: 'The broker', file: 'broker.yaml', schema: brokerSchema },
  { title: 'The processor', file: 'processor.yaml', schema: processorSchema },
  { title: 'The endpoint of the authority', file: 'ca.yaml', schema: caSchema },
  { title: 'A job of `millrace import`', file: 'job.yaml', schema: jobSchema },
]
const plugins = [
  { title: 'Buses', where: 'devices[].bus', kinds: busPlugins as Record<string, { schema: z.ZodType }> },
  { title: 'Decoders', where: 'devices[].decoder', kinds: decoderPlugins as Record<string, { schema: z.ZodType }> },
  { title: 'Extracts of an import', where: 'sources[].extract', kinds: extracts },
  { title: 'Filters', where: 'devices[].filters.*', kinds: filterPlugins as Record<string, { schema: z.ZodType }> },
]

export function configurationPage(): string {
  const sections = [
    ...files.map(({ title, file, schema }) => `## ${title}: \`${file}\`\n\n${tableOf(schema)}\n`),
    ...plugins.map(({ title, where, kinds }) => {
      const each = Object.entries(kinds).map(
        ([kind, { schema }]) => `### \`${where}\` of kind \`${kind}\`\n\n${tableOf(schema)}\n`,
      )
      return `## ${title}\n\n${each.join('\n')}`
    }),
  ]
  return [
    head('Configuration', 'the schemas that check the files'),
    'YAML. Every key may be left out unless its default says *required*. `<process> check --config <file>` tests a file without starting.',
    'The unit is the last word of a key: `Ms` milliseconds, `Bytes`, `Seconds`, `Days`, `Hours`. `[]` is each entry of a list, `*` a name that you choose.',
    '',
    '**From the environment.** `${NAME}` in a value is the environment variable `NAME`, `${NAME:-text}` is `text` where that is not set or',
    'empty, `$${` is `${` itself. Without quotes around it a number stays a number; between quotes it is a text. A variable that is not set',
    'is an error that names it and the key. Inside `[...]` and `{...}` YAML wants the quotes.',
    '`MILLRACE_<PATH>` overrides a key: capitals do not count and a word may be cut by `_`, so `MILLRACE_LOG_BYTESMAX` and',
    '`MILLRACE_LOG_BYTES_MAX` are `log.bytesMax`, and `MILLRACE_DEVICES_0_ID` is `id` of the first entry of `devices`. Its value is YAML.',
    '',
    sections.join('\n'),
  ].join('\n')
}

/** Every key of every schema, for the test that each is described. */
export function allKeys(): Key[] {
  const schemas = [
    ...files.map(({ schema }) => schema),
    ...plugins.flatMap(({ kinds }) => Object.values(kinds).map((k) => k.schema)),
  ]
  return schemas.flatMap(keysOf)
}

function tableOf(schema: z.ZodType): string {
  const rows = keysOf(schema).map((key) => [
    `\`${key.path}\``,
    key.type,
    key.required ? '*required*' : key.default === undefined ? '' : `\`${key.default}\``,
    key.description,
  ])
  return rows.length === 0 ? 'No keys.' : table(['key', 'type', 'default', 'what it is'], rows)
}

export function keysOf(schema: z.ZodType): Key[] {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Node
  const keys: Key[] = []
  walk(whole, '', keys)
  return keys
}

function walk(node: Node, path: string, keys: Key[]): void {
  const variants = (node.oneOf ?? node.anyOf)?.filter((variant) => variant.properties)
  if (variants && variants.length > 0) return walkVariants(variants, path, keys)
  for (const part of node.allOf ?? []) walk(part, path, keys)
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const at = path === '' || name === '' ? `${path}${name}` : `${path}.${name}`
    keys.push(keyOf(at, child, node.required?.includes(name) ?? false))
    walk(child, at, keys)
  }
  if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, `${path}.*`, keys)
  if (node.items) walk(node.items, `${path}[]`, keys)
}

/**
 * Of several kinds: first the key that tells them apart, then what all have alike, then what each has for itself:
 * `log (kafka).brokers`.
 */
function walkVariants(variants: Node[], path: string, keys: Key[]): void {
  const teller = Object.keys(variants[0]!.properties ?? {}).find((name) =>
    variants.every((v) => v.properties?.[name]?.const !== undefined),
  )
  const kinds = variants.map((variant) => {
    const own: Key[] = []
    const { [teller ?? '']: tells, ...others } = variant.properties ?? {}
    walk({ ...variant, properties: others }, '', own)
    return { name: tells?.const, description: tells?.description ?? variant.description, own }
  })
  if (teller !== undefined) keys.push(keyOfTeller(`${path}.${teller}`, kinds))
  const isCommon = (key: Key) => kinds.every(({ own }) => own.some((other) => JSON.stringify(other) === JSON.stringify(key)))
  for (const key of kinds[0]!.own.filter(isCommon)) keys.push({ ...key, path: `${path}.${key.path}` })
  for (const { name, own } of kinds)
    for (const key of own.filter((each) => !isCommon(each)))
      keys.push({ ...key, path: `${path}${name === undefined ? '' : ` (${name})`}.${key.path}` })
}

function keyOfTeller(path: string, kinds: { name: unknown; description: string | undefined }[]): Key {
  const described = kinds.filter(({ description }) => description !== undefined)
  return {
    path,
    type: kinds.map(({ name }) => `\`${name}\``).join(', '),
    default: undefined,
    required: false,
    description:
      described.length === 0
        ? 'Which of them; further keys are its own'
        : described.map(({ name, description }) => `\`${name}\`: ${description}`).join('; '),
  }
}

function keyOf(path: string, node: Node, required: boolean): Key {
  return { path, type: typeOf(node), default: defaultOf(node), required, description: node.description ?? '' }
}

function typeOf(node: Node): string {
  if (node.enum) return node.enum.map((value) => `\`${value}\``).join(', ')
  if (node.const !== undefined) return `\`${node.const}\``
  const variants = node.oneOf ?? node.anyOf
  if (variants) return [...new Set(variants.map(typeOf))].join(' or ')
  if (node.type === 'array') return `list of ${node.items ? typeOf(node.items) : 'anything'}`
  if (node.type === 'object') return 'section'
  if (node.type === 'integer') return `whole number${boundsOf(node)}`
  if (node.type === 'number') return `number${boundsOf(node)}`
  return { string: 'text', boolean: 'true or false' }[node.type ?? ''] ?? 'anything'
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: Node): string {
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `at least ${minimum}` : ''
  const above = exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `at most ${maximum}` : ''
  const bounds = [least, above, most].filter(Boolean).join(', ')
  return bounds && ` (${bounds})`
}

/** The defaults of a section are those of its keys. */
function defaultOf({ default: value, properties, oneOf }: Node): string | undefined {
  if (value === undefined || properties || oneOf) return undefined
  if (value === hostname()) return 'the name of the machine'
  return JSON.stringify(value)
}
