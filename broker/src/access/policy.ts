/**
 * What each role may do, as MQTT filters: the one table. The broker's rights, Mosquitto's ACL file (../mosquitto) and
 * docs/reference/access.md are made from it. A will is a publish, and so is a retained message.
 */

import { type Levels, levelsOf } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'

export const roles = ['node', 'host', 'device', 'admin'] as const
export type Role = (typeof roles)[number]

export interface RolePolicy {
  /** Its arguments, for people. `{name}` in a filter stands for each value of that name. */
  takes: string
  publish: string[]
  subscribe: string[]
}

export const policy: Record<Role, RolePolicy> = {
  node: {
    takes: '`group/node`',
    publish: [
      'spBv1.0/{group}/NBIRTH/{node}',
      'spBv1.0/{group}/NDEATH/{node}',
      'spBv1.0/{group}/NDATA/{node}',
      'spBv1.0/{group}/DBIRTH/{node}/+',
      'spBv1.0/{group}/DDEATH/{node}/+',
      'spBv1.0/{group}/DDATA/{node}/+',
    ],
    subscribe: ['spBv1.0/{group}/NCMD/{node}/#', 'spBv1.0/{group}/DCMD/{node}/#', 'spBv1.0/STATE/+'],
  },
  host: {
    takes: 'host id, then the plain filters that it reads',
    publish: ['spBv1.0/+/NCMD/+', 'spBv1.0/+/DCMD/+/+', 'spBv1.0/STATE/{host}'],
    subscribe: ['spBv1.0/#', '{filter}'],
  },
  device: { takes: 'topic prefixes of plain MQTT', publish: ['{prefix}/#'], subscribe: [] },
  admin: { takes: 'none', publish: ['#'], subscribe: ['#', '$SYS/#'] },
}

export interface Rights {
  publish: Levels[]
  subscribe: Levels[]
}

type Values = Map<string, readonly string[]>
type Fail = (detail: string) => never

/** @throws MillraceError BROKER_USER_INVALID when the arguments do not fit the role. */
export function rightsOf(name: string, role: Role, args: readonly string[]): Rights {
  const values = valuesOf[role](args, (detail) => {
    throw new MillraceError('BROKER_USER_INVALID', { name, detail })
  })
  const rights = (filters: string[]) => filters.flatMap((filter) => filledIn(filter, values)).map(levelsOf)
  return { publish: rights(policy[role].publish), subscribe: rights(policy[role].subscribe) }
}

/** One filter for each value of the name that has several. */
function filledIn(filter: string, values: Values): string[] {
  const lists = [...filter.matchAll(/\{(\w+)\}/g)].map(([, name]) => values.get(name!)!)
  const times = lists.length === 0 ? 1 : Math.max(...lists.map(({ length }) => length))
  const valueAt = (name: string, index: number) => values.get(name)![index] ?? values.get(name)![0]!
  return Array.from({ length: times }, (_, index) => filter.replace(/\{(\w+)\}/g, (_whole, name) => valueAt(name, index)))
}

const valuesOf: Record<Role, (args: readonly string[], fail: Fail) => Values> = {
  node(args, fail) {
    const [group, node, ...more] = (args[0] ?? '').split('/')
    if (args.length !== 1 || !isName(group) || !isName(node) || more.length > 0)
      return fail('role node needs one argument group/node')
    return valuesIn({ group: [group], node: [node] })
  },
  host([id, ...filters], fail) {
    if (!isName(id)) return fail('role host needs its host id, then the plain filters that it reads')
    const wrong = filters.find((filter) => !isFilter(filter))
    return wrong === undefined ? valuesIn({ host: [id], filter: filters }) : fail(`"${wrong}" is not a filter`)
  },
  device(args, fail) {
    if (args.length === 0) return fail('role device needs the topic prefixes that it may publish below')
    const wrong = args.find((prefix) => !isPrefix(prefix))
    if (wrong !== undefined) return fail(`"${wrong}" is not a topic prefix of plain MQTT`)
    return valuesIn({ prefix: args.map((prefix) => prefix.replace(/\/$/, '')) })
  },
  admin: (args, fail) => (args.length > 0 ? fail('role admin takes no argument') : valuesIn({})),
}

const valuesIn = (values: Record<string, readonly string[]>): Values => new Map(Object.entries(values))

function isName(text: string | undefined): text is string {
  return text !== undefined && text !== '' && !/[/+#\u0000-\u001f]/.test(text)
}

function isPrefix(text: string): boolean {
  return text.split('/')[0] !== 'spBv1.0' && !/^\$|^\/?$|[+#\u0000-\u001f]/.test(text)
}

function isFilter(text: string): boolean {
  if (text === '' || text.startsWith('$') || /[\u0000-\u001f]/.test(text)) return false
  return text
    .split('/')
    .every((level, at, all) => !/[+#]/.test(level) || level === '+' || (level === '#' && at === all.length - 1))
}
