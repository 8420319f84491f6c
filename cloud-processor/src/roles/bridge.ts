/** From the broker into the log. Every process with this role has a bridge of its own; where they share the nodes, each takes those that it wins. */
import { ownerOf } from '../members/index.ts'
import type { Needs, RunningBridge } from './context.ts'

export function runBridge(context: Needs<'config' | 'parts' | 'connect' | 'members' | 'lagMs'>): RunningBridge {
  const { config, parts, log, members, lagMs } = context
  const live = () => members.live('bridge')
  const transport = context.connect(log.heartbeats ? members.self : undefined)
  const bridge = parts.startBridge(config.bridge, {
    ...context,
    transport,
    lagMs,
    isLast: () => live().every((id) => id === members.self),
    ...(log.heartbeats && config.bridge.share === 'nodes' ? { ownsNode: (node) => ownerOf(node, live()) === members.self } : {}),
  })
  return { bridge, transport }
}
