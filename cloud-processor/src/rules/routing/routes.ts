/**
 * The routing tree, compiled: which routes an alarm takes, and in which group of each it is. A route is named by its place in the tree
 * (`0.2.1`), so that what waits in a file is still that of the same route after a restart.
 */
import { compileMatchers } from '@millrace/alarms'
import type { AlarmRecord } from '@millrace/contract'
import type { MuteTimes, Route } from './config.ts'

export interface CompiledRoute {
  id: string
  to: string[]
  groupBy: NonNullable<Route['groupBy']>
  waitMs: number
  intervalMs: number
  repeatMs: number | undefined
  mute: MuteTimes[]
  escalate: NonNullable<Route['escalate']>
}

interface Node {
  route: CompiledRoute
  matches(alarm: AlarmRecord): boolean
  isContinued: boolean
  children: Node[]
}

export interface Routes {
  /** Those that an alarm takes, in the order of the tree. */
  of(alarm: AlarmRecord): CompiledRoute[]
  byId(id: string): CompiledRoute
}

export function compileRoutes(root: Route, muteTimes: MuteTimes[]): Routes {
  const byId = new Map<string, CompiledRoute>()
  const top: CompiledRoute = {
    ...{ id: '0', to: [], groupBy: [], waitMs: 5000, intervalMs: 30_000, repeatMs: undefined, mute: [], escalate: [] },
  }
  const tree = compile(root, top, '0')

  function compile(route: Route, above: CompiledRoute, id: string): Node {
    const own = settle(route, above, id, muteTimes)
    byId.set(id, own)
    const children = (route.routes ?? []).map((child, index) => compile(child, own, `${id}.${index}`))
    return { route: own, matches: compileMatchers(route.match ?? {}), isContinued: route.continue ?? false, children }
  }

  return {
    of: (alarm) => taken(tree, alarm),
    // A route that is gone since what waits was taken.
    byId: (id) => byId.get(id) ?? tree.route,
  }
}

function settle(route: Route, above: CompiledRoute, id: string, muteTimes: MuteTimes[]): CompiledRoute {
  const { to, groupBy, waitMs, intervalMs, repeatMs, mute, escalate } = route
  return {
    id,
    to: to ?? above.to,
    groupBy: groupBy ?? above.groupBy,
    waitMs: waitMs ?? above.waitMs,
    intervalMs: intervalMs ?? above.intervalMs,
    repeatMs: repeatMs ?? above.repeatMs,
    mute: mute ? muteTimes.filter(({ name }) => mute.includes(name)) : above.mute,
    escalate: escalate ?? above.escalate,
  }
}

function taken({ route, matches, children }: Node, alarm: AlarmRecord): CompiledRoute[] {
  if (!matches(alarm)) return []
  const found: CompiledRoute[] = []
  for (const child of children) {
    const own = taken(child, alarm)
    found.push(...own)
    if (own.length > 0 && !child.isContinued) return found
  }
  return found.length > 0 ? found : [route]
}

/** Alarms of a route with the same text are told in one message. */
export function groupOf({ groupBy }: CompiledRoute, alarm: AlarmRecord): string {
  return groupBy.map((key) => (key === 'group' ? (alarm.groups ?? []).join(', ') : `${alarm[key]}`)).join('\n')
}

/** Every name of a receiver or of mute times in the tree that nobody has, with where it is. */
export function unknownNames(root: Route, receivers: string[], mutes: string[]): string[] {
  const named = (route: Route, path: string): string[] => [
    ...missing(
      [...(route.to ?? []), ...(route.escalate ?? []).flatMap(({ to }) => to)],
      receivers,
      `${path}: no receiver is named`,
    ),
    ...missing(route.mute ?? [], mutes, `${path}: no muteTimes are named`),
    ...(route.routes ?? []).flatMap((child, index) => named(child, `${path}.routes.${index}`)),
  ]
  return named(root, 'route')
}

function missing(names: string[], known: string[], text: string): string[] {
  const has = new Set(known)
  return names.filter((name) => !has.has(name)).map((name) => `${text} "${name}"; there are ${known.join(', ') || 'none'}`)
}
