/** Who may do what: each role may do what those before it may. A scope narrows what an account sees to groups of devices. */
import { MillraceError } from '@millrace/platform'

export const roles = ['viewer', 'operator', 'engineer', 'admin'] as const
export type Role = (typeof roles)[number]

export interface Account {
  name: string
  role: Role
  /** Filters over `<node>/<device>`, see scope.ts; none: everything. */
  scope: string[]
  /** Not yet opened by its link. */
  isInvited: boolean
  /** Who was let in before the newest change is let out. Rises. */
  changedMs: number
}

export const mayAct = (role: Role, needed: Role) => roles.indexOf(role) >= roles.indexOf(needed)

/** @throws MillraceError PEOPLE_INVALID that names the value */
export function checkAccount({ name, role, scope }: { name: string; role: string; scope: readonly string[] }): void {
  const fail = (detail: string) => {
    throw new MillraceError('PEOPLE_INVALID', { detail })
  }
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._@ -]{0,63}$/u.test(name) || name.endsWith(' '))
    fail(`the name "${name.slice(0, 100)}": 1 to 64 letters, digits, blanks and . _ @ -, the first a letter or digit`)
  if (!(roles as readonly string[]).includes(role)) fail(`the role "${role.slice(0, 100)}": one of ${roles.join(', ')}`)
  const wrong = scope.find((filter) => !isFilter(filter))
  if (wrong !== undefined)
    fail(`the scope "${wrong.slice(0, 100)}": a filter over group/node/device, such as ward-3/# or plain/bed-7`)
  if (scope.length > 50) fail(`${scope.length} filters of a scope: at most 50`)
  if (role === 'admin' && scope.length > 0) fail('the role admin with a scope: an admin sees everything')
}

function isFilter(filter: string): boolean {
  if (filter.length > 256 || filter.startsWith('$') || /[\u0000-\u001f\u007f]/.test(filter)) return false
  const levels = filter.split('/')
  return levels.every((level, at) =>
    level === '#' ? at === levels.length - 1 : level === '+' || (level !== '' && !/[+#]/.test(level)),
  )
}
