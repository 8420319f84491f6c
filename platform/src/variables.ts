/**
 * `${NAME}` in a value of a configuration file is the environment variable NAME, `${NAME:-text}` is the text where that is not set
 * or empty, and `$${` is `${` itself. A value without quotes in the file may become a number, true, false or null; between quotes it
 * is always a text.
 */
import { isMap, isScalar, isSeq } from 'yaml'

const reference = /\$(\$?)\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g
const jsonScalar = /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?)$/

/** Changes the scalars of a parsed document. Returns what is missing, each with the path of its key. */
export function putVariables(node: unknown, env: NodeJS.ProcessEnv, path: string[] = []): string[] {
  if (isMap(node)) return node.items.flatMap(({ key, value }) => putVariables(value, env, [...path, `${key}`]))
  if (isSeq(node)) return node.items.flatMap((item, k) => putVariables(item, env, [...path, `${k}`]))
  if (!isScalar(node) || typeof node.value !== 'string' || !node.value.includes('${')) return []
  const missing: string[] = []
  const text = node.value.replace(reference, (whole, dollar: string, name: string, instead?: string) => {
    if (dollar) return whole.slice(1)
    const value = instead === undefined ? env[name] : env[name] || instead
    if (value === undefined) missing.push(`${path.join('.')}: the environment variable ${name} is not set`)
    return value ?? ''
  })
  node.value = node.type === 'PLAIN' && jsonScalar.test(text) ? JSON.parse(text) : text
  return missing
}
