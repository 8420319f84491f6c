/** The API over gateways as the command line uses it; see web/gateways.ts of the processor. */
import type { GatewayView } from '@millrace/cloud-processor/web'
import type { OrderAnswer } from '@millrace/contract'
import type { Api } from '../api.ts'

export interface Rollout {
  id: string
  atMs: number
  by: string
  reason: string
  groups: string[][]
  at: number
  state: 'running' | 'done' | 'stopped'
  why?: string
  gateways: Record<string, { state: string; detail?: string }>
}

interface Configuration {
  node: string
  isFresh: boolean
  drift: boolean
  /** In force, as far as it may be changed from afar. */
  text?: string
  /** Of the file of the gateway, where another one is in force. */
  localText?: string
}

interface Signed {
  by: string
  reason: string
}

export function care({ get, order }: Pick<Api, 'get' | 'order'>) {
  return {
    list: () => get<GatewayView[]>('/api/gateways'),
    rollouts: () => get<Rollout[]>('/api/gateways/rollouts'),
    configuration: (node: string) => get<Configuration>(`/api/gateways/configuration?node=${encodeURIComponent(node)}`),
    check: (given: { text: string; gateways: string[] }) =>
      order<(OrderAnswer & { node: string })[]>('/api/gateways/check', given),
    configure: (given: Signed & { text: string; gateways: string[]; groups?: string; errorsMax: number; overDrift: boolean }) =>
      order<Rollout>('/api/gateways/configure', given),
    stop: (given: Signed & { rollout: string }) => order<Rollout>('/api/gateways/stop', given),
    command: (given: { node: string; command: string; by: string; device?: string; seconds?: number; reason?: string }) =>
      order<OrderAnswer>('/api/gateways/command', given),
  }
}
