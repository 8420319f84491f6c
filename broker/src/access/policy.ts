/**
 * What each role may do, as MQTT filters. The same lists go into Mosquitto's ACL file (../mosquitto).
 *
 * | role | arguments | may publish | may subscribe |
 * |---|---|---|---|
 * | node | `group/node` | its own births, deaths and data | its own commands, every host's STATE |
 * | host | host id, then plain filters | commands, its own STATE | spBv1.0/#, the plain filters |
 * | device | topic prefixes | below the prefixes | nothing |
 * | admin | none | everything | everything, $SYS too |
 */

import { type Levels, levelsOf } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'

export const roles = ['node', 'host', 'device', 'admin'] as const
export type Role = (typeof roles)[number]

export interface Rights {
  publish: Levels[]
  subscribe: Levels[]
}

/** @throws MillraceError BROKER_USER_INVALID when the arguments do not fit the role. */
export function rightsOf(name: string, role: Role, args: readonly string[]): Rights {
  const { publish, subscribe } = grants[role](args, (detail) => {
    throw new MillraceError('BROKER_USER_INVALID', { name, detail })
  })
  return { publish: publish.map(levelsOf), subscribe: subscribe.map(levelsOf) }
}

interface Grant {
  publish: string[]
  subscribe: string[]
}
type Fail = (detail: string) => never

const grants: Record<Role, (args: readonly string[], fail: Fail) => Grant> = {
  node(args, fail) {
    const [group, node, ...more] = (args[0] ?? '').split('/')
    if (args.length !== 1 || !isName(group) || !isName(node) || more.length > 0)
      return fail('role node needs one argument group/node')
    return {
      publish: [
        ...['NBIRTH', 'NDEATH', 'NDATA'].map((verb) => `spBv1.0/${group}/${verb}/${node}`),
        ...['DBIRTH', 'DDEATH', 'DDATA'].map((verb) => `spBv1.0/${group}/${verb}/${node}/+`),
      ],
      subscribe: [`spBv1.0/${group}/NCMD/${node}/#`, `spBv1.0/${group}/DCMD/${node}/#`, 'spBv1.0/STATE/+'],
    }
  },
  host([id, ...filters], fail) {
    if (!isName(id)) return fail('role host needs its host id, then the plain filters that it reads')
    const wrong = filters.find((filter) => !isFilter(filter))
    if (wrong !== undefined) return fail(`"${wrong}" is not a filter`)
    return {
      publish: ['spBv1.0/+/NCMD/+', 'spBv1.0/+/DCMD/+/+', `spBv1.0/STATE/${id}`],
      subscribe: ['spBv1.0/#', ...filters],
    }
  },
  device(args, fail) {
    if (args.length === 0) return fail('role device needs the topic prefixes that it may publish below')
    const wrong = args.find((prefix) => !isPrefix(prefix))
    if (wrong !== undefined) return fail(`"${wrong}" is not a topic prefix of plain MQTT`)
    return { publish: args.map((prefix) => `${prefix.replace(/\/$/, '')}/#`), subscribe: [] }
  },
  admin(args, fail) {
    return args.length > 0 ? fail('role admin takes no argument') : { publish: ['#'], subscribe: ['#', '$SYS/#'] }
  },
}

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
