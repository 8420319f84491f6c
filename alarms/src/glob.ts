/** Patterns of device and subject names: `*` is any run of characters, `?` any single one; the case counts. */
export function compileGlobs(patterns: string[]): (name: string) => boolean {
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => !/[*?]/.test(pattern)))
  const wild = patterns.filter((pattern) => /[*?]/.test(pattern)).map(toRegExp)
  return (name) => exact.has(name) || wild.some((pattern) => pattern.test(name))
}

const compiled = new WeakMap<string[], (name: string) => boolean>()

/** The same, compiled once for a list that stays. */
export function matches(patterns: string[], name: string): boolean {
  let test = compiled.get(patterns)
  if (!test) {
    test = compileGlobs(patterns)
    compiled.set(patterns, test)
  }
  return test(name)
}

function toRegExp(pattern: string): RegExp {
  const body = pattern
    .replace(/[\\^$.+|()[\]{}/-]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${body}$`, 's')
}
