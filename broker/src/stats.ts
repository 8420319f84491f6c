/** What the broker holds and has done: for /health, for /metrics and for the program that started it. */
import type { Metrics } from '@millrace/platform'
import type { Access } from './access/access.ts'
import type { Counts } from './counts.ts'
import type { Guard } from './guard/guard.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Store } from './sessions/store/store.ts'

export interface BrokerStats {
  /** Clients whose user is known. */
  clients: number
  connections: number
  preAuth: number
  /** Messages from clients, and copies handed to clients. */
  received: number
  delivered: number
  /** By reason, see refusals.ts. */
  refused: Record<string, number>
  /** Messages not kept at a limit, by reason. */
  dropped: Record<string, number>
  outboundBytes: number
  sessions: number
  /** Messages that sessions are owed. */
  owed: number
  retained: number
  /** Topics and payloads in the store, and messages whose publishers wait for room in it. */
  storeBytes: number
  storeWaiting: number
}

export interface Measured {
  access: Access
  guard: Guard
  counts: Counts
  sessions: Sessions
  store: Store | undefined
}

export function statsOf({ access, guard, counts, sessions, store }: Measured): BrokerStats {
  const { bytes, waiting } = store?.stats() ?? { bytes: 0, waiting: 0 }
  return {
    clients: access.clients(),
    ...guard.stats(),
    ...counts.stats(),
    ...sessions.stats(),
    storeBytes: bytes,
    storeWaiting: waiting,
  }
}

export function registerGauges(metrics: Metrics, stats: () => BrokerStats): void {
  const gauge = (name: string, help: string, key: keyof BrokerStats) => metrics.gauge(name, help, () => stats()[key] as number)
  gauge('millrace_broker_clients', 'Clients whose user is known', 'clients')
  gauge('millrace_broker_connections', 'Connections open', 'connections')
  gauge('millrace_broker_pre_auth', 'Connections whose user is not yet known', 'preAuth')
  gauge('millrace_broker_outbound_bytes', 'Bytes that wait for clients to take them', 'outboundBytes')
  gauge('millrace_broker_sessions', 'Sessions kept, of clients here and away', 'sessions')
  gauge('millrace_broker_owed', 'Messages kept for sessions whose client is away', 'owed')
  gauge('millrace_broker_store_bytes', 'Topics and payloads owed to sessions, in the store', 'storeBytes')
  gauge('millrace_broker_store_waiting', 'Messages whose publishers wait for room in the store', 'storeWaiting')
  gauge('millrace_broker_retained', 'Retained messages', 'retained')
}
