/**
 * A template reads what one maker's devices publish, each topic in its way. Its routes are tried in their order; topics are below
 * `base`, and one that no route takes is rejected as any other.
 */
import type { PlainConfig } from '../entry.ts'

export interface Template {
  name: string
  /** What it reads, for the reference page. */
  description: string
  /** Topics are below it, unless the configuration says another. `''`: at the top. */
  base: string
  routes(entry: Pick<PlainConfig, 'zone'>): TemplateRoute[]
  /** What is above the maker's topics where a message looks like one of its devices'; `value` is JSON or the text. Else undefined. */
  baseOf(topic: string, value: unknown): string | undefined
}

/** See topic-pattern.ts for `topic`; the rest are keys of an entry. */
export interface TemplateRoute extends Partial<Omit<PlainConfig, 'device'>> {
  device?: string
  /** Keys of the codecs. */
  time?: string
  omit?: string[]
  at?: string
  topic: string
  isIgnored?: true
  /** The payload is one value; else it is JSON. */
  isOneValue?: true
}

export const onOff = { ON: true, OFF: false, on: true, off: false }
export const onlineOffline = { Online: true, Offline: false, online: true, offline: false, true: true, false: false }

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What `pattern` has in its group `base`, without the slash behind it. */
export function baseIn(pattern: RegExp, topic: string): string | undefined {
  const match = pattern.exec(topic)
  return match ? (match.groups?.base ?? '').replace(/\/$/, '') : undefined
}

export const ignored = (topic: string): TemplateRoute => ({ topic, isIgnored: true })
