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
  type Pages,
  serveMetricsEndpoint,
  silentLog,
  stopInOrder,
  systemClock,
} from '@millrace/platform'
import type { Aedes, AedesOptions } from 'aedes'
import { Access } from './access/access.ts'
import { openRevoked, type Revoked } from './access/certificates.ts'
import { passwordId } from './access/password.ts'
import { keepUse, PasswordUse, readUse } from './access/password-use.ts'
import { openUsers, type Users } from './access/users.ts'
import { type BrokerConfig, type BrokerLimits, checkListener } from './config.ts'
import { type Counts, createCounts } from './counts.ts'
import { followErrors, startEngine } from './engine.ts'
import { createGuard } from './guard/guard.ts'
import { keeping } from './keeping.ts'
import { type Accept, listen } from './listener.ts'
import type { RefusalEntry } from './refusal-audit.ts'
import { DurableSessions } from './sessions/durable.ts'
import { type SessionParts, Sessions } from './sessions/sessions.ts'
import type { WillRow } from './sessions/store/protocol.ts'
import { openStore, type Store } from './sessions/store/store.ts'
import { type BrokerStats, registerGauges, statsOf } from './stats.ts'
import { listenWebSocket } from './websocket/websocket.ts'

export type { Cost } from './access/password.ts'
export { policy, type Role, roles } from './access/policy.ts'
export { addPassword, addUser, allowFilters, hasUser, type NewUser, retirePassword } from './access/provision.ts'
export { type BrokerConfig, type BrokerLimits, brokerSchema } from './config.ts'
export { type Refusal, refusals } from './refusals.ts'
export type { BrokerStats } from './stats.ts'

export interface Broker {
  /** That it listens on. */
  port: number
  /** Of WebSocket; undefined when off. */
  webSocketPort: number | undefined
  /** Of /health and /metrics; undefined when off. */
  metricsPort: number | undefined
  stats(): BrokerStats
  /** Who was refused what, the newest first. */
  refused(): RefusalEntry[]
  /** Looks at the users file and the list of revoked certificates now instead of within a second. */
  reloadUsers(): Promise<void>
  /** Rejects when the store has failed for good. */
  failed?: Promise<never>
  close(): Promise<void>
}

export interface BrokerContext {
  log: Log
  metrics: Metrics
  clock: Clock
}

/** How to close what was opened, in the order of opening. */
type Opened = (() => unknown)[]

const fullSaidMs = 60_000

/** @throws MillraceError LISTENER_NOT_LOOPBACK, BROKER_STORE_OPEN, BROKER_STORE_LOCKED, BROKER_STORE_CORRUPT, BROKER_STORE_NEWER, PROCESS_PORT_IN_USE, BROKER_TLS_UNREADABLE, BROKER_REVOKED_UNREADABLE, BROKER_USERS_NOT_FOUND, BROKER_USERS_INVALID. */
export async function startBroker(config: BrokerConfig, context: Partial<BrokerContext> = {}): Promise<Broker> {
  const { log = silentLog, metrics = createMetrics(), clock = systemClock } = context
  const opened: Opened = []
  try {
    return await start(config, { log, metrics, clock }, opened)
  } catch (error) {
    for (const close of opened.reverse()) await close()
    throw error
  }
}

/** `opened` is closed by the caller when the start fails. */
async function start(config: BrokerConfig, context: BrokerContext, opened: Opened): Promise<Broker> {
  checkListener(config)
  const { log, metrics, clock } = context
  const counts = createCounts(context)
  const users = await openUsers(config.users, context)
  opened.push(() => users.close())
  const revoked = await openRevoked(config.tls?.revokedFile, context)
  opened.push(() => revoked.close())
  const store = config.store && (await openStore(config.store.path, config.store, clock))
  opened.push(() => store?.close())
  const use = config.users === undefined ? new PasswordUse() : await readUse(config.users)
  const { access, sessions, durable, hooks } = createSessions({ config, counts, users, revoked, store, use, clock })
  const stopUse = keepPasswordUse({ config, users, access, use }, context)
  const stopExpiry = access.watchExpiry(clock)
  opened.push(stopUse, stopExpiry)
  const aedes = await startEngine({ ...hooks, persistence: sessions, ...engineLimits(config.limits) })
  const closeEngine = () => new Promise<void>((resolve) => aedes.close(() => resolve()))
  opened.push(closeEngine)
  access.follow(aedes)
  followErrors(aedes, counts, log)
  const guard = createGuard(config.limits, clock, counts, (connection) => aedes.handle(connection))
  const listeners = await openListeners(config, { ...guard, refused: counts.refused }, context, opened)
  const stats = () => statsOf({ access, guard, counts, sessions, store })
  registerGauges(metrics, stats)
  const stopWarning = warnWhenFull(store, durable, context)
  opened.push(stopWarning)
  const stopWills = publishWillsLater({ config, durable, access, aedes }, context)
  opened.push(stopWills)
  const stops = [() => users.close(), () => revoked.close(), stopExpiry, stopUse, stopWarning, stopWills]
  const refused = () => counts.audit.list()
  const endpoint = await serveMetricsEndpoint(config.metrics, pagesOf({ stats, refused }, metrics))

  return {
    port: listeners.port,
    webSocketPort: listeners.webSocketPort,
    metricsPort: endpoint?.port,
    stats,
    refused,
    ...(store ? { failed: store.failed } : {}),
    reloadUsers: async () => void (await Promise.all([users.reload(), revoked.reload()])),
    async close() {
      for (const stop of stops) stop()
      const closed = listeners.stop()
      const closeConnections = () => {
        guard.close()
        return Promise.all([closed, listeners.closeWebSocket()])
      }
      await stopInOrder(
        [
          { name: 'MQTT engine', stop: closeEngine },
          { name: 'connections', stop: closeConnections },
          { name: 'metrics endpoint', stop: () => endpoint?.close() },
          { name: 'session store', stop: () => store?.close() },
        ],
        { clock, log },
      )
    },
  }
}

function pagesOf({ stats, refused }: Pick<Broker, 'stats' | 'refused'>, metrics: Metrics): Pages {
  const health = () => ({ status: 'ok', ...stats() })
  return { health, metrics: () => metrics.expose(), json: new Map([['/refusals', refused]]) }
}

interface WillNeeds {
  config: BrokerConfig
  durable: DurableSessions | undefined
  access: Access
  aedes: Aedes
}

/** Of clients that were connected when the broker ended and have not returned. */
function publishWillsLater({ config, durable, access, aedes }: WillNeeds, { log, clock }: BrokerContext): () => void {
  if (!config.store || !durable) return () => {}
  const publish = async ({ user, topic, payload, qos, retain }: WillRow) => {
    if (!access.mayPublish(user, topic)) return
    const packet = { cmd: 'publish', dup: false, topic, payload: Buffer.from(payload), qos, retain } as const
    if (qos > 0) await durable.keep(null, packet)
    await new Promise<void>((done, fail) => aedes.publish(packet, (error) => (error ? fail(error) : done())))
  }
  return clock.after(config.store.willsAfterMs, () => {
    durable.wills.publishUnclaimed(publish).catch((error) => log.error('the wills of clients that have not returned', { error }))
  })
}

interface UseNeeds {
  config: BrokerConfig
  users: Users
  access: Access
  use: PasswordUse
}

/** @returns ends it */
function keepPasswordUse({ config, users, access, use }: UseNeeds, context: BrokerContext): () => void {
  const { users: file } = config
  if (file === undefined) return () => {}
  const isThere = (user: string, id: string) => users.get(user)?.hashes.some((hash) => passwordId(hash) === id) ?? false
  return keepUse(() => {
    access.markUse()
    use.write(file, isThere)
  }, context)
}

interface SessionNeeds {
  config: BrokerConfig
  counts: Counts
  users: Users
  revoked: Revoked
  store: Store | undefined
  use: PasswordUse
  clock: Clock
}

/** Access and sessions ask each other: who owns a session, and who may still read its filters. */
function createSessions({ config, counts, users, revoked, store, use, clock }: SessionNeeds) {
  const { limits, dangerouslyAllowAnonymous, tls } = config
  const takesCertificates = tls?.clientCaFile !== undefined
  const parts: SessionParts = {
    limits,
    dropped: counts.dropped,
    userOf: (client) => access.userOf(client),
    holds: (client, filter) => access.holds(client, filter),
  }
  const durable = store && new DurableSessions({ ...parts, store, window: config.store!, delivered: () => counts.delivered() })
  const sessions = durable ?? new Sessions(parts)
  const hasUsers = config.users !== undefined
  const ownerOf = (id: string) => sessions.ownerOf(id)
  const who = { users, revoked, takesCertificates, dangerouslyAllowAnonymous, hasUsers }
  const access = new Access({ ...who, limits, counts, use, now: () => clock.now(), ownerOf })
  const prune = () => sessions.prune((user, filter) => access.mayRead(user, filter))
  prune()
  users.onChange(prune)
  return { access, sessions, durable, hooks: durable ? keeping(durable, access.hooks, counts) : access.hooks }
}

function engineLimits(limits: BrokerLimits): AedesOptions {
  return {
    concurrency: 0, // a bound here lets one frozen subscriber hold every slot; the guard's gate bounds what is in flight
    drainTimeout: 86_400_000, // only so that aedes waits with one listener a client; the guard decides who is too slow
    maxInflightInbound: limits.inflight,
    maxTopicLevels: limits.topicLevels,
  }
}

async function openListeners(config: BrokerConfig, accept: Accept, { log, clock }: BrokerContext, opened: Opened) {
  const { server, port } = await listen(config, accept)
  opened.push(() => server.close())
  const websocket = config.websocket && (await listenWebSocket(config, config.websocket, accept, clock))
  opened.push(() => websocket?.close())
  for (const each of [server, websocket?.server]) each?.on('error', (error) => log.error('listener', { error }))
  return {
    port,
    webSocketPort: websocket?.port,
    /** Resolves when the last connection has ended. */
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
    closeWebSocket: () => websocket?.close(),
  }
}

function warnWhenFull(
  store: Store | undefined,
  sessions: DurableSessions | undefined,
  { log, clock }: BrokerContext,
): () => void {
  return every(clock, fullSaidMs, () => {
    const waiting = store?.stats().waiting ?? 0
    if (waiting > 0) log.error('the store is full; publishers wait', { waiting, mostOwed: sessions?.largest() })
  })
}
