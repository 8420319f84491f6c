/** Patterns of device and subject names: `*` is any run of characters, `?` any single one; the case counts. */
export function compileGlobs(patterns: string[]): (name: string) => boolean {
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => !/[*?]/.test(pattern)))
  const wild = patterns.filter((pattern) => /[*?]/.test(pattern)).map(toRegExp)
  return (name) => exact.has(name) || wild.some((pattern) => pattern.test(name))
}

function toRegExp(pattern: string): RegExp {
  const body = pattern
    .replace(/[\\^$.+|()[\]{}/-]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${body}$`, 's')
}
