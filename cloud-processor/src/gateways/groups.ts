/** Which gateways, and in which groups. */
import { MillraceError } from '@millrace/platform'

/** @param patterns of `<group>/<node>`, or of the node alone; `*` is any text @throws MillraceError WEB_BODY where one finds none */
export function chosen(nodes: string[], patterns: string[]): string[] {
  const found = patterns.flatMap((pattern) => {
    const isMeant = matcher(pattern)
    const meant = nodes.filter((node) => isMeant(node) || isMeant(node.slice(node.indexOf('/') + 1)))
    if (meant.length === 0)
      throw new MillraceError('WEB_BODY', {
        detail: `gateways: none that has reported is called ${pattern}; /api/gateways lists them.`,
      })
    return meant
  })
  return [...new Set(found)].toSorted()
}

function matcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const whole = new RegExp(`^${parts.join('.*')}$`)
  return (name) => whole.test(name)
}

/** `1,5,rest`: one, then five, then all others. @throws MillraceError WEB_BODY */
export function inGroups(nodes: string[], groups: string): string[][] {
  const sizes = groups.split(',').map((part) => part.trim())
  const left = [...nodes]
  const made: string[][] = []
  for (const [at, size] of sizes.entries()) {
    const isLast = at === sizes.length - 1
    if (!(isLast && size === 'rest') && !/^[1-9]\d*$/.test(size))
      throw new MillraceError('WEB_BODY', { detail: `groups = ${groups}: write sizes, and rest at the end, such as 1,5,rest.` })
    const taken = left.splice(0, size === 'rest' ? left.length : Number(size))
    if (taken.length > 0) made.push(taken)
  }
  if (left.length > 0)
    throw new MillraceError('WEB_BODY', { detail: `groups = ${groups}: ${left.length} gateways are in none; end it with rest.` })
  return made
}
