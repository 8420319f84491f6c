/**
 * Routes over limits that people set beside the rule file. They are records of the alarms topic, and orders are control records.
 *
 *   GET  /api/limits             those of now, and what of each rule can be set
 *   POST /api/limits             {by?, reason, rule, devices?, subjects?, groups?, keys, untilMs, id?}    until a time; says its id
 *   POST /api/limits/permanent   the same without `untilMs`: until it is ended
 *   POST /api/limits/end         {by?, id, reason?}    of a permanent one it takes an engineer
 *
 * With the id of one that is known it replaces it. An account that does not see every device may name only devices that it sees.
 */
import { randomUUID } from 'node:crypto'
import { faultOfLimit, isOneOf, keysLimited, type RuleFile } from '@millrace/alarms'
import type { AlarmRecord, AlarmTopicRecord, Control } from '@millrace/contract'
import { type Clock, MillraceError, ownValue } from '@millrace/platform'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { mayAct, type People, type Scope } from '../people/index.ts'
import { identityOf } from './access.ts'
import { audit, signature } from './actor.ts'
import { check, endOfLimit, limiting } from './query.ts'
import type { LimitsView, LimitView } from './wire.ts'

export interface Limits {
  see(records: AlarmTopicRecord[]): void
  list(nowMs: number): LimitView[]
}

/** Not more than the engine has at once. */
export function createLimits(): Limits {
  const known = new Map<string, LimitView>()
  return {
    see(records) {
      for (const record of records) {
        if (record.k !== 'alarm' || !isOneOf('limit', record)) continue
        if (record.change === 'limit-set') known.set(record.id, viewOf(record))
        else known.delete(record.id)
      }
    },
    list: (nowMs) => [...known.values()].filter(({ untilMs = Infinity }) => untilMs > nowMs),
  }
}

function viewOf({ id, rule, limit, actor = '', reason = '', raisedMs }: AlarmRecord): LimitView {
  return { id: id.slice(0, -2), rule, ...limit!, by: actor, reason, atMs: raisedMs }
}

interface Orders {
  controls: { append(control: Control): Promise<void> }
  clock: Clock
  people: People
  rules: RuleFile
  limitMsMax: number
}

type Limiting = z.infer<typeof limiting>

export function limitRoutes(app: FastifyInstance, orders: Orders, limits: Limits): void {
  const { controls, clock, people, rules, limitMsMax } = orders
  app.get('/api/limits', async (request): Promise<LimitsView> => {
    const { scope } = identityOf(request)
    return {
      limits: limits.list(clock.now()).filter((one) => isWithin(one, scope)),
      rules: rules.rules.map((rule) => ({
        ...{ rule: rule.name, channel: rule.channel, condition: rule.condition },
        keys: Object.fromEntries(Object.entries(keysLimited(rule)).map(([key, value]) => [key, value ?? null])),
      })),
      groups: (rules.groups ?? []).map(({ name }) => name),
      msMax: limitMsMax,
    }
  })

  const set = async (request: FastifyRequest, order: Limiting) => {
    const { id = randomUUID().slice(0, 8), by: said, ...given } = order
    refuseUnseen(request, given)
    const fault = faultOfLimit(rules, withoutAbsent(given))
    if (fault !== undefined) throw new MillraceError('WEB_BODY', { detail: fault })
    const replaced = limits.list(clock.now()).find((one) => one.id === id)
    if (replaced) refuseOther(request, replaced)
    const by = signature(request, said)
    const control = { type: 'limit', id, ...withoutAbsent(given), by } as Extract<Control, { type: 'limit' }>
    const before = replaced ?? ruleNow(rules, given)
    audit(people, request, { action: 'limit.set', target: id, before, after: control, said: by, reason: given.reason })
    await controls.append(control)
    return { accepted: true, id }
  }

  app.post('/api/limits', async (request, reply) => {
    const order = check(limiting, request.body, 'WEB_BODY')
    if (order.untilMs === undefined) throw new MillraceError('WEB_BODY', { detail: 'untilMs: say until when, in epoch ms.' })
    checkUntil(request, order.untilMs, { nowMs: clock.now(), msMax: limitMsMax })
    return reply.code(202).send(await set(request, order))
  })

  app.post('/api/limits/permanent', async (request, reply) => {
    const order = check(limiting, request.body, 'WEB_BODY')
    if (order.untilMs !== undefined) throw new MillraceError('WEB_BODY', { detail: 'untilMs: a permanent limit has no end.' })
    return reply.code(202).send(await set(request, order))
  })

  app.post('/api/limits/end', async (request, reply) => {
    const { id, by: said, reason } = check(endOfLimit, request.body, 'WEB_BODY')
    const before = limits.list(clock.now()).find((one) => one.id === id)
    if (!before || !isWithin(before, identityOf(request).scope))
      throw new MillraceError('WEB_UNKNOWN', { what: `limit "${id.slice(0, 100)}"` })
    refuseOther(request, before)
    const by = signature(request, said)
    audit(people, request, { action: 'limit.end', target: id, before, said: by, reason })
    await controls.append({ type: 'end-limit', id, by, ...(reason ? { reason } : {}) })
    return reply.code(202).send({ accepted: true })
  })
}

function withoutAbsent<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never
}

/** What of the rule the limit replaces, for the trail. */
function ruleNow({ rules }: RuleFile, { rule, keys }: Limiting): object {
  const numbers = keysLimited(rules.find(({ name }) => name === rule)!)
  return { rule, keys: Object.fromEntries(Object.keys(keys).map((key) => [key, ownValue(numbers, key) ?? null])) }
}

type Whom = Pick<LimitView, 'devices' | 'subjects' | 'groups'>

/** Devices by their names, each of which the account sees; patterns, subjects and groups are for who sees all. */
function isWithin({ devices, subjects, groups }: Whom, scope: Scope): boolean {
  if (scope.isWhole) return true
  return devices !== undefined && !subjects && !groups && devices.every((name) => !/[*?]/.test(name) && scope.sees(name))
}

function refuseUnseen(request: FastifyRequest, { devices, subjects, groups }: Limiting): void {
  const { name, scope } = identityOf(request)
  if (isWithin(withoutAbsent({ devices, subjects, groups }), scope)) return
  throw new MillraceError('WEB_FORBIDDEN', { name, detail: 'name devices that this account sees, without * and ?' })
}

/** A permanent limit is an engineer's to end and to replace, and one that this account does not see is another's. */
function refuseOther(request: FastifyRequest, known: LimitView): void {
  const { name, role, scope } = identityOf(request)
  if (known.untilMs === undefined && !mayAct(role, 'engineer'))
    throw new MillraceError('WEB_FORBIDDEN', {
      name,
      detail: `limit "${known.id}" is permanent: it takes the role engineer, and this is ${role}`,
    })
  if (!isWithin(known, scope))
    throw new MillraceError('WEB_FORBIDDEN', { name, detail: `limit "${known.id}" is not for this account` })
}

function checkUntil(request: FastifyRequest, untilMs: number, { nowMs, msMax }: { nowMs: number; msMax: number }): void {
  if (untilMs <= nowMs) throw new MillraceError('WEB_BODY', { detail: `untilMs: ${untilMs} is past.` })
  const { name, role } = identityOf(request)
  if (untilMs <= nowMs + msMax || mayAct(role, 'engineer')) return
  const hours = Math.round(msMax / 360_000) / 10
  throw new MillraceError('WEB_FORBIDDEN', {
    name,
    detail: `for more than ${hours} h (web.limitMsMax) it takes the role engineer, and this is ${role}`,
  })
}
