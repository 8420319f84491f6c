/**
 * Routes over the device registry. Orders are control records; times are epoch ms and, where they are left out, now.
 *
 *   GET  /api/registry                   ?device: every device, or one: name, place, subject, and those of former times
 *   POST /api/registry/assign            {device, subject, fromMs?, toMs?, over?, by?, reason?}
 *   POST /api/registry/unassign          {device, fromMs?, toMs?, by?, reason?}
 *   POST /api/registry/describe          {device, name?, place?, fromMs?, by?, reason?}
 *   POST /api/registry/replace           {device, with, fromMs?, over?, by?, reason?}
 *   POST /api/registry/decommission      {device, fromMs?, by?, reason?}
 *   POST /api/registry/recommission      {device, fromMs?, by?, reason?}
 *   GET  /api/subjects/:subject/export   ?channel&from&to: the lines of /api/export of its devices, each in its time
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  type Control,
  type Registry,
  type RegistryChange,
  type RegistryControl,
  registryVersion,
  takeChanges,
} from '@millrace/contract'
import { type Clock, MillraceError } from '@millrace/platform'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { People } from '../../people/index.ts'
import type { StoreReader } from '../../stores/store.ts'
import { identityOf } from '../access.ts'
import { audit, signature } from '../actor.ts'
import { check } from '../query.ts'
import { stretchLines } from './export.ts'
import { assign, decommission, describe, type Known, recommission, replace, unassign } from './orders.ts'
import { assignment, beginning, description, registryQuery, replacement, subjectExport, unassignment } from './query.ts'
import { devicesOf, registryDevice, successorsOf } from './view.ts'

export interface RegistrySource {
  entries: Registry
  /** Settled once everything that was ordered before this process started is in `entries`. */
  loaded: Promise<void>
}

interface Context {
  registry: RegistrySource
  store: StoreReader
  controls: { append(control: Control): Promise<void> }
  clock: Clock
  people: People
}

interface Order {
  device: string
  with?: string
  by?: string | undefined
  reason?: string | undefined
}

export function registryRoutes(app: FastifyInstance, context: Context): void {
  const { registry, store, clock } = context
  const inTurn = createTurns()
  const order = <Body extends Order>(
    name: string,
    schema: z.ZodType<Body>,
    make: (known: Known, body: Body) => RegistryChange[],
  ) =>
    app.post(`/api/registry/${name}`, async (request, reply) => {
      const body = check(schema, request.body, 'WEB_BODY') as Body
      for (const device of [body.device, body.with]) if (device !== undefined) await checkKnown(context, request, device)
      await loaded(registry, clock)
      await inTurn(() => {
        const changes = make({ registry: registry.entries, nowMs: clock.now() }, body)
        return enter(context, request, { name, body, changes })
      })
      return reply.code(202).send({ accepted: true })
    })

  order('assign', assignment, assign)
  order('unassign', unassignment, unassign)
  order('describe', description, describe)
  order('replace', replacement, replace)
  order('decommission', beginning, decommission)
  order('recommission', beginning, recommission)

  app.get('/api/registry', async (request) => {
    const { device: only } = check(registryQuery, request.query)
    await loaded(registry, clock)
    const known = new Map((await store.devices(only)).map(({ device, node }) => [device, node]))
    for (const device of registry.entries.keys())
      if (!known.has(device) && (only === undefined || only === device)) known.set(device, '')
    const seen = identityOf(request).scope.keep([...known].map(([device, node]) => ({ device, node })))
    const successors = successorsOf(registry.entries)
    const rows = seen.map(({ device, node }) => registryDevice(registry.entries, successors, { device, node }))
    return rows.sort((a, b) => (a.device < b.device ? -1 : 1))
  })

  app.get<{ Params: { subject: string } }>('/api/subjects/:subject/export', async (request, reply) => {
    const { subject } = request.params
    const asked = check(subjectExport, request.query)
    await loaded(registry, clock)
    const lines = subjectLines(context, request, { subject, ...asked })
    return reply.type('application/jsonl').send(Readable.from(lines))
  })
}

/** One order after the other: each is checked against those before it. */
function createTurns(): (enter: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  return (enter) => {
    const turn = last.then(enter)
    last = turn.catch(() => {})
    return turn
  }
}

const loadMsMax = 5000

/** @throws MillraceError REGISTRY_LOADING */
export async function loaded(registry: RegistrySource, clock: Clock): Promise<Registry> {
  const late = Promise.withResolvers<never>()
  const cancel = clock.after(loadMsMax, () => late.reject(new MillraceError('REGISTRY_LOADING')))
  await Promise.race([registry.loaded, late.promise]).finally(cancel)
  return registry.entries
}

/** One that the account does not see is not there. @throws MillraceError WEB_UNKNOWN */
async function checkKnown({ store, registry }: Context, request: FastifyRequest, device: string): Promise<void> {
  const known = (await store.devices(device)).find((one) => one.device === device)
  if (identityOf(request).scope.sees(device, known?.node) && (known || registry.entries.has(device))) return
  throw new MillraceError('WEB_UNKNOWN', { what: `device "${device.slice(0, 100)}"` })
}

/** The trail first: what cannot be told there is not done. It is known here at once, so that the next order is checked against it. */
async function enter(
  { registry, controls, clock, people }: Context,
  request: FastifyRequest,
  { name, body, changes }: { name: string; body: Order; changes: RegistryChange[] },
): Promise<void> {
  const { device, reason } = body
  const by = signature(request, body.by)
  const version = registryVersion(registry.entries) + 1
  const control: RegistryControl = {
    ...{ type: 'registry', id: randomUUID().slice(0, 8), version, by, atMs: clock.now(), changes },
    ...(reason ? { reason } : {}),
  }
  const before = registry.entries.get(device)
  audit(people, request, { action: `device.${name}`, target: device, before, after: changes, said: by, reason })
  await controls.append(control)
  takeChanges(registry.entries, control)
}

interface Asked {
  subject: string
  channel: string
  from: number
  to: number
}

async function* subjectLines(
  { registry, store }: Context,
  request: FastifyRequest,
  { subject, channel, from, to }: Asked,
): AsyncGenerator<string> {
  const { scope } = identityOf(request)
  const devices = (await store.devices()).filter(({ device, node }) => scope.sees(device, node))
  const span = { from, to: to + 1, devices: devices.map(({ device }) => device) }
  for (const { device, fromMs, toMs } of devicesOf(registry.entries, subject, span)) {
    const known = devices.find((one) => one.device === device)!.channels.find(({ name }) => name === channel)
    if (!known) continue
    yield* stretchLines(store, { device, channel, kind: known.kind, subject, fromMs, toMs }, 'device')
  }
}
