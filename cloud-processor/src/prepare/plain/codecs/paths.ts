/** Dotted paths into parsed JSON. */

/** `$` is the whole. */
export function at(object: unknown, path: string): unknown {
  if (path === '$') return object
  let value = object
  for (const key of path.split('.')) {
    if (!hasKey(value, key)) return undefined
    value = value[key]
  }
  return value
}

/** By a key that may have dots. */
export function own(object: unknown, key: string): unknown {
  return hasKey(object, key) ? object[key] : undefined
}

function hasKey(value: unknown, key: string): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, key)
}

export interface Leaves {
  /** Paths that are left out, with what is below them. */
  omit: ReadonlySet<string>
  /** Without a path: the whole. */
  take(path: string | undefined, value: unknown): void
  tooDeep(path: string): void
}

const depthMax = 8

/** Every value that is none of values, by its path; of lists by the place: `Power.0`. Nulls are not. */
export function eachLeaf(value: unknown, leaves: Leaves, path?: string, depth = 0): void {
  if (value === null || value === undefined) return
  if (typeof value !== 'object') return leaves.take(path, value)
  if (depth === depthMax) return leaves.tooDeep(path!)
  for (const [key, part] of Object.entries(value)) {
    const below = path === undefined ? key : `${path}.${key}`
    if (!leaves.omit.has(below)) eachLeaf(part, leaves, below, depth + 1)
  }
}
