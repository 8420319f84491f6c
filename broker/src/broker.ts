/**
 * The broker on one screen:
 *
 *     TCP, TLS, WebSocket ► guard (room, byte-level MQTT 3.1.1 checks, back-pressure) ──► aedes (routing, QoS, wills)
 *                                                                  access (who, what) ◄──┤
 *                                                        sessions (who is away, owed) ◄──┘
 *                                                                 └► store (on disk before the PUBACK)
 *
 * aedes reads whole, well-formed packets only, and only as fast as the slowest healthy subscriber takes them. QoS 0 is never
 * dropped on the way to a client that is connected: its publishers wait.
 */
import {
  type Clock,
  createMetrics,
  every,
  type Log,
  type Metrics,
  serveMachinePage,
  silentLog,
  stopInOrder,
  systemClock,
} from '@millrace/contract/service'
import type { Aedes } from 'aedes'
import { createAccess } from './access/access.ts'
import { openUsers } from './access/users.ts'
import { type BrokerConfig, checkListener } from './config.ts'
import { createCounts } from './counts.ts'
import { startEngine } from './engine.ts'
import { createGuard } from './guard/guard.ts'
import { keeping } from './keeping.ts'
import { listen } from './listener.ts'
import { refusals } from './refusals.ts'
import { DurableSessions } from './sessions/durable.ts'
import { type SessionParts, Sessions } from './sessions/sessions.ts'
import { openStore } from './sessions/store/store.ts'
import { listenWebSocket } from './websocket/websocket.ts'

export type { Cost } from './access/password.ts'
export { type Role, roles } from './access/policy.ts'
export { addUser, type NewUser } from './access/provision.ts'
export { type BrokerConfig, type BrokerLimits, brokerSchema } from './config.ts'
export { type Refusal, refusals } from './refusals.ts'

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

export interface Broker {
  /** That it listens on. */
  port: number
  /** Of WebSocket; undefined when off. */
  webSocketPort: number | undefined
  /** Of /health and /metrics; undefined when off. */
  metricsPort: number | undefined
  stats(): BrokerStats
  /** Looks at the users file now instead of within a second. */
  reloadUsers(): Promise<void>
  /** Rejects when the store has failed for good. */
  failed?: Promise<never>
  close(): Promise<void>
}

export interface Around {
  log?: Log
  metrics?: Metrics
  clock?: Clock
}

const fullSaidMs = 60_000

/** @throws MillraceError LISTENER_NOT_LOOPBACK, BROKER_STORE_OPEN, BROKER_STORE_LOCKED, BROKER_STORE_CORRUPT, BROKER_STORE_NEWER, PROCESS_PORT_IN_USE, BROKER_TLS_UNREADABLE, BROKER_USERS_NOT_FOUND, BROKER_USERS_INVALID. */
export async function startBroker(config: BrokerConfig, around: Around = {}): Promise<Broker> {
  const opened: (() => unknown)[] = []
  try {
    return await start(config, around, opened)
  } catch (error) {
    for (const close of opened.reverse()) await close()
    throw error
  }
}

/** `opened` gets what has to be closed when it does not come to a broker. */
async function start(config: BrokerConfig, around: Around, opened: (() => unknown)[]): Promise<Broker> {
  checkListener(config)
  const { log = silentLog, metrics = createMetrics(), clock = systemClock } = around
  const { limits, dangerouslyAllowAnonymous } = config
  const counts = createCounts({ log, metrics, clock })
  const users = await openUsers(config.users, { clock, log })
  opened.push(() => users.close())
  const store = config.store ? await openStore(config.store.path, config.store, clock) : undefined
  opened.push(() => store?.close())
  const parts: SessionParts = {
    limits,
    dropped: counts.dropped,
    userOf: (client) => access.userOf(client),
    holds: (client, filter) => access.holds(client, filter),
  }
  const durable = store
    ? new DurableSessions({ ...parts, store, window: config.store!, delivered: () => counts.delivered() })
    : undefined
  const sessions = durable ?? new Sessions(parts)
  const access = createAccess({ users, limits, dangerouslyAllowAnonymous, counts, ownerOf: (id) => sessions.ownerOf(id) })
  const prune = () => sessions.prune(access.mayRead)
  prune()
  users.onChange(prune)
  const aedes = await startEngine({
    ...(durable ? keeping(durable, access.hooks, counts) : access.hooks),
    persistence: sessions,
    concurrency: 0, // a bound here lets one frozen subscriber hold every slot; the guard's gate bounds what is in flight
    drainTimeout: 86_400_000, // only so that aedes waits with one listener a client; who is too slow, the guard decides
    maxInflightInbound: limits.inflight,
    maxTopicLevels: limits.topicLevels,
  })
  opened.push(() => new Promise<void>((resolve) => aedes.close(() => resolve())))
  access.follow(aedes)
  followErrors(aedes)
  const guard = createGuard(limits, clock, counts, (connection) => aedes.handle(connection))
  const { server, port } = await listen(config, { ...guard, refused: counts.refused })
  opened.push(() => server.close())
  const websocket = config.websocket
    ? await listenWebSocket(config, config.websocket, { ...guard, refused: counts.refused }, clock)
    : undefined
  opened.push(() => websocket?.close())
  for (const each of [server, websocket?.server]) each?.on('error', (error) => log.error('listener', { error }))

  const kept = () => store?.stats() ?? { bytes: 0, waiting: 0 }
  const stats = (): BrokerStats => ({
    clients: access.clients(),
    ...guard.stats(),
    ...counts.stats(),
    ...sessions.stats(),
    storeBytes: kept().bytes,
    storeWaiting: kept().waiting,
  })
  const stopLooking = every(clock, fullSaidMs, () => {
    if (kept().waiting > 0)
      log.error('the store is full; publishers wait', { waiting: kept().waiting, mostOwed: durable?.largest() })
  })
  metrics.gauge('millrace_broker_clients', 'Clients whose user is known', () => stats().clients)
  metrics.gauge('millrace_broker_connections', 'Connections open', () => stats().connections)
  metrics.gauge('millrace_broker_pre_auth', 'Connections whose user is not yet known', () => stats().preAuth)
  metrics.gauge('millrace_broker_outbound_bytes', 'Bytes that wait for clients to take them', () => stats().outboundBytes)
  metrics.gauge('millrace_broker_sessions', 'Sessions kept, of clients here and away', () => stats().sessions)
  metrics.gauge('millrace_broker_owed', 'Messages kept for sessions whose client is away', () => stats().owed)
  metrics.gauge('millrace_broker_store_bytes', 'Topics and payloads owed to sessions, in the store', () => stats().storeBytes)
  metrics.gauge(
    'millrace_broker_store_waiting',
    'Messages whose publishers wait for room in the store',
    () => stats().storeWaiting,
  )
  metrics.gauge('millrace_broker_retained', 'Retained messages', () => stats().retained)
  const pages = { health: () => ({ status: 'ok', ...stats() }), metrics: () => metrics.expose() }
  opened.push(stopLooking)
  const page = await serveMachinePage(config.metrics, pages)

  return {
    port,
    webSocketPort: websocket?.port,
    metricsPort: page?.port,
    stats,
    ...(store ? { failed: store.failed } : {}),
    reloadUsers: () => users.reload(),
    async close() {
      users.close()
      stopLooking()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const closeConnections = () => {
        guard.close()
        return Promise.all([closed, websocket?.close()])
      }
      await stopInOrder(
        [
          { name: 'MQTT engine', stop: () => new Promise<void>((resolve) => aedes.close(() => resolve())) },
          { name: 'connections', stop: closeConnections },
          { name: 'metrics endpoint', stop: () => page?.close() },
          { name: 'session store', stop: () => store?.close() },
        ],
        { clock, log },
      )
    },
  }

  /** Errors of one client are that client's; aedes has closed it already. */
  function followErrors(broker: Aedes): void {
    const told = new WeakSet<object>()
    const ofClient = (client: object, error: Error) => {
      if (told.has(client) || error.message === 'connection closed' || Object.hasOwn(refusals, error.message)) return
      told.add(client)
      counts.refused(error.message === 'keep alive timeout' ? 'keepalive-timeout' : 'protocol-error', { error })
    }
    broker.on('clientError', ofClient)
    broker.on('connectionError', ofClient)
    ;(broker as NodeJS.EventEmitter).on('error', (error) => log.error('MQTT engine', { error }))
  }
}
