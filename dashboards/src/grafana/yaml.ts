/** Plain data as YAML in block style. Texts are in quotes, as JSON writes them; YAML reads them the same. */
export function toYaml(content: object, indent = ''): string {
  const entries = Array.isArray(content) ? content.map((value) => ['-', value]) : Object.entries(content)
  return entries
    .map(([key, value]) => {
      const name = Array.isArray(content) ? '-' : `${key}:`
      if (typeof value !== 'object' || value === null) return `${indent}${name} ${JSON.stringify(value)}\n`
      const inner = toYaml(value, `${indent}  `)
      return Array.isArray(content) ? `${indent}- ${inner.slice(indent.length + 2)}` : `${indent}${name}\n${inner}`
    })
    .join('')
}
