/**
 * The cloud processor on one screen:
 *
 *   broker ─ bridge ─► raw ─ prepare ─► timeline ─ rules ─► alarms ─ notifier ─► people
 *                                    ├► rejected │                └ page
 *                                    │           ├ store           └ sinks
 *                                    │           └ page
 *
 * Each of these is a role (roles/). On a log that several processes share, each has the roles that its configuration names,
 * and they share the partitions of each role (members/). On the embedded log this process is alone and has every role.
 *
 * Production, simulation and tests start this same function; they differ in the engines that they pass.
 */
import type { Part } from '@millrace/platform'
import type { ProcessorConfig } from './config.ts'
import type { Assignments, Members } from './members/index.ts'
import { observe } from './observe/index.ts'
import { runBridge } from './roles/bridge.ts'
import type { ProcessorContext, RoleContext } from './roles/context.ts'
import { leaderRole } from './roles/leader.ts'
import { notifierRole, openNotifier } from './roles/notifier.ts'
import { openPage } from './roles/page.ts'
import { type Parts, parts as realParts } from './roles/parts.ts'
import { prepareRole } from './roles/prepare.ts'
import { rulesRole } from './roles/rules.ts'
import { forgetSinks, sinkRoles } from './roles/sinks.ts'
import { copyIntoStore, storeRole } from './roles/store.ts'

export interface Processor {
  /** Absent where this process serves no page. */
  webPort?: number
  members: Members
  assignments: Pick<Assignments, 'held' | 'progress'>
  /** Rejects when a stage cannot go on. */
  failed: Promise<never>
  /** Closes the engines too. */
  stop(): Promise<void>
}

export async function startProcessor(
  config: ProcessorConfig,
  engines: ProcessorContext,
  parts: Parts = realParts,
): Promise<Processor> {
  const { log, store, sinks = [], clock, logger } = engines
  const has = (...stages: ProcessorConfig['stages']) => stages.some((stage) => config.stages.includes(stage))
  const assignments = parts.keepAssignments(clock)
  const members = join(parts, config, engines, assignments)
  const context: RoleContext = { ...engines, config, parts, members, lagMs: () => members.lagMs(['prepare', 'rules']) }

  await forgetSinks(context)
  const notifier = has('notifier', 'web') ? await openNotifier(context) : undefined
  const running = has('bridge') ? runBridge(context) : undefined
  const bridge = running?.bridge
  const copies = copyIntoStore(context)
  const working = () => [...assignments.progress(), ...copies.progress()]
  const page = has('web') ? await openPage(context, { progress: working, running }) : undefined
  const progress = () => [...working(), ...(page?.progress() ?? [])]
  const observed = await observe(config.metrics, { ...engines, progress, bridge })
  const roles = [
    running && leaderRole(context, running),
    prepareRole(context),
    rulesRole(context, assignments.progress),
    notifier && notifierRole(notifier),
    storeRole(context),
    ...sinkRoles(context),
  ].filter((role) => role !== undefined)
  assignments.follow(
    members,
    roles.filter(({ name, among }) => (config.stages as string[]).includes(among ?? name)),
  )

  const inOrder: Part[] = [
    { name: 'metrics endpoint', stop: observed.stop },
    // The leader among them: of several bridges only the last says that the host is offline.
    { name: 'assignments', stop: assignments.stop },
    { name: 'bridge', stop: () => bridge?.stop() },
    { name: 'members', stop: () => members.close() },
    { name: 'store copies', stop: copies.stop },
    { name: 'page', stop: () => page?.stop() },
    { name: 'notifier', stop: () => notifier?.close() },
    { name: 'store', stop: () => store?.close() },
    ...sinks.map(({ name, sink }) => ({ name, stop: () => sink.close() })),
    { name: 'log', stop: () => log.close() },
    { name: 'data folder', stop: async () => engines.taken?.release() },
  ]
  return {
    ...(page ? { webPort: page.port } : {}),
    members,
    assignments,
    failed: assignments.failed,
    async stop() {
      await parts.stopInOrder(inOrder, { clock, log: logger })
    },
  }
}

function join(parts: Parts, { stages }: ProcessorConfig, engines: ProcessorContext, { held, progress }: Assignments) {
  const self = { id: engines.id, place: engines.taken?.place, roles: stages }
  return parts.joinMembers(engines.log.heartbeats, { ...self, holds: held, lagMs: () => lagOf(progress()) }, engines)
}

/** The worst of each role. */
function lagOf(progress: { name: string; lagMs: number }[]): Record<string, number> {
  const lags: Record<string, number> = {}
  for (const { name, lagMs } of progress) lags[name] = Math.max(lags[name] ?? 0, lagMs)
  return lags
}
