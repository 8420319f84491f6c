/** What `millrace gateway` says to people. */
import type { GatewayView } from '@millrace/cloud-processor/web'
import type { OrderAnswer } from '@millrace/contract'
import type { Rollout } from './care.ts'

export function printGateways(all: GatewayView[]): string {
  if (all.length === 0) return 'no gateway has reported yet: each does when it connects, from this version on'
  const width = Math.max(...all.map(({ node }) => node.length))
  return all.map((one) => `${one.node.padEnd(width)}  ${gatewayText(one)}`).join('\n')
}

function gatewayText({ running, drift, newest, takes, why, reportedMs, rollout }: GatewayView): string {
  const runs = running.version === 0 ? 'its own file' : `version ${running.version}`
  return [
    `${drift ? 'DRIFT, ' : ''}runs ${runs}`,
    ...(newest ? [`newest ${newest.state}${newest.detail ? ` (${newest.detail})` : ''}`] : []),
    ...(takes.configuration ? [] : [`takes no configuration (${why})`]),
    ...(rollout ? [`roll-out ${rollout.id} ${rollout.state}`] : []),
    `reported ${new Date(reportedMs).toISOString()}`,
  ].join('  ')
}

export function printRollout({ id, state, why, by, reason, at, groups, gateways }: Rollout): string {
  const width = Math.max(...Object.keys(gateways).map(({ length }) => length))
  const head = `${id}  ${state} in group ${at + 1} of ${groups.length}  (${by}: ${reason})${why ? `\n  ${why}` : ''}`
  const lines = Object.entries(gateways).map(
    ([node, { state, detail }]) => `  ${node.padEnd(width)}  ${state}${detail ? `: ${detail}` : ''}`,
  )
  return [head, ...lines].join('\n')
}

export function printAnswer({ state, detail, data }: Omit<OrderAnswer, 'id'>): string {
  const said = detail === undefined ? '' : `: ${detail}`
  return `${state}${said}${data === undefined ? '' : `\n${typeof data === 'string' ? data : JSON.stringify(data, null, 2)}`}`
}
