/** The page, its API and its live events, on one listener. See access.ts for who may talk to it. */
import type { RuleFile } from '@millrace/alarms'
import { type AlarmTopicRecord, type Control, type TimelineRecord, takeChanges } from '@millrace/contract'
import {
  type Clock,
  every,
  isLoopback,
  type Log,
  listenFailure,
  type Metrics,
  MillraceError,
  refuseOpenListener,
} from '@millrace/platform'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Gateways } from '../gateways/index.ts'
import type { Log as EventLog } from '../log/log.ts'
import { People } from '../people/index.ts'
import type { StoreReader } from '../stores/store.ts'
import { identityOf } from './access.ts'
import { accountRoutes } from './account-routes.ts'
import { alarmRoutes } from './alarm-orders.ts'
import { type AlarmView, createAlarmView } from './alarm-view.ts'
import { createApp, portOf } from './app.ts'
import type { WebConfig } from './config.ts'
import { createEachAlone, type EachAlone } from './each-alone.ts'
import { createFleetView, type FleetView } from './fleet-view.ts'
import { gatewayRoutes } from './gateways.ts'
import { historyRoutes } from './history.ts'
import { createIdentities } from './identity.ts'
import { readLedger } from './ledger-view.ts'
import { LeftOut } from './left-out.ts'
import { openLimits } from './limit-trial.ts'
import { createLive, type Live } from './live.ts'
import { loginRoutes } from './login-routes.ts'
import { narrowHello, narrowLedger, narrowStatus } from './narrow.ts'
import { OpenAnswers } from './open-answers.ts'
import { pageRoutes } from './page.ts'
import { alarmsQuery, check, liveQuery } from './query.ts'
import { type RegistrySource, registryRoutes } from './registry/routes.ts'
import { createSilences, silenceRoutes } from './silences.ts'
import { topicRoutes } from './topics.ts'
import type { LedgerView, PipelineStatus } from './wire.ts'

export interface WebOptions {
  config: WebConfig
  store: StoreReader
  log: Log
  metrics: Metrics
  clock: Clock
  controls: { append(control: Control): Promise<void> }
  status: () => PipelineStatus
  /** The rule file of the configuration. Without it no limits can be set. */
  rules?: RuleFile
  /** Accounts and the audit trail. Without it there are no accounts, and the trail ends with the process. */
  people?: People
  /** Remote care of gateways; without it that is not served. */
  gateways?: Gateways
  /** What devices measure and where they are; it takes what is ordered on from the timeline. */
  registry?: RegistrySource
  /** For `/api/log/:topic` and the replay of rejected messages; without it they are not served. */
  eventLog?: EventLog
  /** Folder of the built page; without it only the API is served. */
  staticDir?: string
}

export interface Web {
  port: number
  /** Timeline records in order. */
  onTimeline(records: TimelineRecord[]): void
  /** Records of the alarms topic in order; on start also those of the past, so that open alarms are shown. */
  onAlarms(records: AlarmTopicRecord[]): void
  close(): Promise<void>
}

/** Each time that a device stays unknown it is asked half as often, down to the second. */
const loadAgainMs = { first: 2000, most: 60_000 }
/** The page starts without knowing its devices after this long. */
const loadWaitMs = 2000

/** Starts to listen. @throws MillraceError LISTENER_NOT_LOOPBACK, PROCESS_PORT_IN_USE */
export async function createWeb(options: WebOptions): Promise<Web> {
  const { config, store, log, clock } = options
  const { people = new People(':memory:', clock), registry = { entries: new Map(), loaded: Promise.resolve() } } = options
  refuseOpenPage(config)
  const fleet = createFleetView(config, () => clock.now(), registry.entries)
  const stopLoading = await loadFleet(fleet, options)
  const alarms = createAlarmView(config.alarmsMax, fleet.standing)
  const silences = createSilences()
  const eachAlone = createEachAlone(log, options.metrics)
  const ledger = cachedLedger(options)
  const live = openLive(options, { fleet, alarms, eachAlone, ledger })

  const identities = createIdentities(config, { people, nodeOf: (device) => fleet.standing(device)?.node })
  const openAnswers = new OpenAnswers(identities)
  people.onChange(() => openAnswers.endRevoked())
  const stopTending = every(clock, 1000, () => openAnswers.endRevoked())
  const app = createApp(config, { ...options, identities, openAnswers })
  loginRoutes(app, { config, people, identities })
  accountRoutes(app, people)
  stateRoutes(app, options, { fleet, alarms, live, ledger: ledger.read })
  alarmRoutes(app, { ...options, people }, alarms)
  silenceRoutes(app, { ...options, people }, silences)
  const limits = openLimits(app, { ...options, people })
  if (options.gateways) gatewayRoutes(app, options.gateways, { ...options, people })
  registryRoutes(app, { ...options, people, registry })
  historyRoutes(app, { store, registry, clock }, config)
  if (options.eventLog) topicRoutes(app, options.eventLog, { ...options, people })
  if (options.staticDir !== undefined) pageRoutes(app, options.staticDir)
  await listen(app, config)
  const port = portOf(app)!
  const url = `${config.tls ? 'https' : 'http'}://${config.host}:${port}/`
  log.info('page ready', { url })
  if (config.login === 'required' && people.isEmpty && !config.credential)
    log.warn('there is no account yet: this link makes the admin, once, within a day', {
      link: `${url}#/link/${people.firstLink()}`,
    })

  return {
    port,
    onTimeline(records) {
      const changed = new Set<string>()
      eachAlone(records, (record) => {
        if (record.k === 'control' && record.control.type === 'registry') takeChanges(registry.entries, record.control)
        for (const name of see(fleet, record)) changed.add(name)
      })
      live.onTimeline(records, changed)
    },
    onAlarms(records) {
      silences.see(records)
      limits.see(records)
      live.onAlarms(alarms.see(records), alarms.takeLeft())
    },
    async close() {
      stopLoading()
      stopTending()
      live.close()
      await Promise.all([app.close(), limits.close()])
    },
  }
}

/** Off loopback nobody is let in by default. @throws MillraceError LISTENER_NOT_LOOPBACK */
function refuseOpenPage(config: WebConfig): void {
  const { host, tls, login } = config
  if (login !== 'required') refuseOpenListener(config)
  else if (!tls && !isLoopback(host)) throw new MillraceError('LISTENER_NOT_LOOPBACK', { host, missing: 'TLS' })
}

type Shown = Pick<Views, 'fleet' | 'alarms'> & { eachAlone: EachAlone; ledger: ReturnType<typeof cachedLedger> }

function openLive(options: WebOptions, { fleet, alarms, eachAlone, ledger }: Shown): Live {
  const { config, clock, log } = options
  const leftOut = new LeftOut(config, options)
  return createLive({
    ...options,
    fleet,
    leftOut,
    eachAlone,
    hello: (scope) =>
      narrowHello(
        {
          serverMs: clock.now(),
          staleAfterMs: config.staleAfterMs,
          fleet: fleet.all(),
          alarms: alarms.list('all'),
          status: options.status(),
          leftOut: leftOut.view(),
          ledger: ledger.newest(),
        },
        scope,
      ),
    status: () => ({ serverMs: clock.now(), ...options.status(), leftOut: leftOut.view() }),
    ledger: () =>
      ledger.read().catch((error) => {
        log.warn('cannot read the ledger for the page', { error })
        return undefined
      }),
  })
}

/**
 * A store that is away at the start, or hangs, is asked until it answers; live values are shown until then. It is asked again for a
 * device that speaks and is not known: its declaration was on the timeline before this process followed it, and not yet in the store.
 */
async function loadFleet(fleet: FleetView, { store, log, clock }: WebOptions): Promise<() => void> {
  let cancel = () => {}
  let isStopped = false
  let againMs = loadAgainMs.first
  const load = async (): Promise<void> => {
    try {
      await fleet.load(store)
      loadLater(() => {
        againMs = fleet.hasUndeclared() ? Math.min(2 * againMs, loadAgainMs.most) : loadAgainMs.first
        return fleet.hasUndeclared() ? load() : undefined
      })
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retry) throw error
      log.warn('the page does not know its devices yet: the store does not answer', { error })
      loadLater(load)
    }
  }
  function loadLater(call: () => Promise<void> | undefined): void {
    if (isStopped) return
    cancel = clock.after(againMs, () => {
      const loading = call()
      if (loading) loading.catch(unreadable)
      else loadLater(call)
    })
  }
  const unreadable = (error: unknown) => log.error('the devices cannot be read from the store', { error })
  const loading = load()
  loading.catch(() => {})
  const isLate = await Promise.race([loading.then(() => false), new Promise((late) => clock.after(loadWaitMs, () => late(true)))])
  if (isLate) loading.catch(unreadable)
  return () => {
    isStopped = true
    cancel()
  }
}

/** Names of the devices that a birth or a death changed. */
function see(fleet: FleetView, record: TimelineRecord): string[] {
  if (record.k === 'birth' || record.k === 'death') return fleet.birth(record)
  if (record.k === 'readings') fleet.readings(record)
  else if (record.k === 'declaration') fleet.declaration(record)
  else if (record.k === 'gap') fleet.gap(record)
  else if (record.k === 'last-known') fleet.lastKnown(record)
  return []
}

async function listen(app: FastifyInstance, { host, port }: WebConfig): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    throw listenFailure(cause, port)
  }
}

interface Views {
  fleet: FleetView
  alarms: AlarmView
  live: Live
  ledger(): Promise<LedgerView>
}

function stateRoutes(app: FastifyInstance, options: WebOptions, { fleet, alarms, live, ledger }: Views): void {
  const { config, metrics, status } = options
  app.get('/health', async () => ({ alive: true }))
  app.get('/ready', async (_, reply) => {
    const { connected } = status().bridge
    return reply
      .code(connected ? 200 : 503)
      .send({ ready: connected, ...(connected ? {} : { why: 'no connection to the broker' }) })
  })
  app.get('/metrics', async (_, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.expose()))
  const scopeOf = (request: FastifyRequest) => identityOf(request).scope
  app.get('/api/status', async (request) => narrowStatus(status(), scopeOf(request)))
  app.get('/api/fleet', async (request) => scopeOf(request).keep(fleet.all()))
  app.get('/api/ledger', async (request) => narrowLedger(await ledger(), scopeOf(request)))
  app.get('/api/alarms', async (request) => scopeOf(request).keep(alarms.list(check(alarmsQuery, request.query).state)))

  app.get('/api/live', async (request, reply) => {
    const { devices, waves } = check(liveQuery, request.query)
    if (live.viewers() >= config.viewersMax) throw new MillraceError('WEB_VIEWERS', { limit: config.viewersMax })
    const wanted = (names: string[] | undefined) => (device: string) => names === undefined || names.includes(device)
    live.attach(reply, { devices: wanted(devices), waves: wanted(waves), scope: scopeOf(request) })
  })
}

/** However many ask, the store spends a fifth of its time on it at most, or is asked once a second. */
const ledgerShare = 5
const ledgerAgeMs = { least: 50, most: 900 }

function cachedLedger({ store, status, clock }: WebOptions) {
  let reading: Promise<LedgerView> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let ageMs = ledgerAgeMs.most
  let newest: LedgerView | undefined
  const read = () => {
    if (reading && clock.monotonic() - readAt < ageMs) return reading
    readAt = clock.monotonic()
    ageMs = ledgerAgeMs.most
    reading = readLedger(store, status(), clock.now())
    reading.then(
      (view) => {
        newest = view
        ageMs = Math.min(ledgerAgeMs.most, Math.max(ledgerAgeMs.least, ledgerShare * (clock.monotonic() - readAt)))
      },
      () => {
        reading = undefined
      },
    )
    return reading
  }
  return { read, newest: () => newest }
}
