/**
 * Routes over alarms that change something, each by a control record, and what became of one alarm. Who has logged in signs with
 * the name of the account, whatever `by` says.
 *
 *   POST /api/alarms/acknowledge     {alarm, by?, note?}
 *   POST /api/alarms/comment         {alarm, by?, note}
 *   POST /api/alarms/shelve          {alarm, by?, reason?, untilMs?}    of its rule, device and channel; without `untilMs` until it clears
 *   POST /api/alarms/unshelve        {alarm, by?, reason?}
 *   POST /api/alarms/out-of-service  {alarm, by?, reason?}
 *   POST /api/alarms/in-service      {alarm, by?, reason?}
 *   POST /api/alarms/reset           {alarm, by?, reason?}    of a latched one
 *   GET  /api/alarms/changes?alarm   its newest changes, the oldest first
 */
import type { AlarmRecord, Control } from '@millrace/contract'
import { type Clock, MillraceError } from '@millrace/platform'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { People } from '../people/index.ts'
import { identityOf } from './access.ts'
import { audit, signature } from './actor.ts'
import type { AlarmView } from './alarm-view.ts'
import { acknowledgement, changesQuery, check, comment, holdOrder, shelving } from './query.ts'

interface Orders {
  controls: { append(control: Control): Promise<void> }
  clock: Clock
  people: People
}

/** What is ordered, of which alarm. */
interface Ordered<Body> {
  body: Body
  alarm: AlarmRecord
  by: string
}

export function alarmRoutes(app: FastifyInstance, { controls, clock, people }: Orders, alarms: AlarmView): void {
  const order = <Body extends Order>(name: string, schema: z.ZodType<Body>, make: (ordered: Ordered<Body>) => Control) =>
    app.post(`/api/alarms/${name}`, async (request, reply) => {
      const body = check(schema, request.body, 'WEB_BODY') as Body
      const by = signature(request, body.by)
      const alarm = known(alarms, body.alarm, request)
      const control = make({ body, alarm, by })
      const { active, acknowledged, shelved, outOfService } = alarm
      const before = { active, acknowledged, shelved, outOfService }
      audit(people, request, {
        action: `alarm.${name}`,
        target: alarm.id,
        before,
        after: control,
        said: by,
        reason: body.reason ?? body.note,
      })
      await controls.append(control)
      return reply.code(202).send({ accepted: true })
    })

  order('acknowledge', acknowledgement, ({ body: { alarm, note }, by }) => ({
    ...{ type: 'acknowledge', alarm, by },
    ...(note ? { note } : {}),
  }))
  order('comment', comment, ({ body: { alarm, note }, by }) => ({ type: 'comment', alarm, by, note: note! }))
  order('shelve', shelving, (ordered) => {
    const { untilMs } = ordered.body
    if (untilMs !== undefined && untilMs <= clock.now())
      throw new MillraceError('WEB_BODY', { detail: `untilMs: ${untilMs} is past.` })
    return { type: 'shelve', ...heldBack(ordered), ...(untilMs === undefined ? {} : { untilMs }) }
  })
  order('out-of-service', holdOrder, (ordered) => ({ type: 'out-of-service', ...heldBack(ordered) }))
  order('reset', holdOrder, ({ body: { alarm: id, reason }, alarm, by }) => {
    if (!alarm.latched) throw new MillraceError('WEB_BODY', { detail: 'alarm: it is not latched.' })
    return { type: 'reset', alarm: id, by, ...(reason ? { reason } : {}) }
  })
  for (const type of ['unshelve', 'in-service'] as const) order(type, holdOrder, (ordered) => ({ type, ...ofAlarm(ordered) }))

  app.get('/api/alarms/changes', async (request) => {
    const { alarm } = check(changesQuery, request.query)
    known(alarms, alarm, request)
    return alarms.changes(alarm)
  })
}

/** One that the account does not see is not there. */
function known(alarms: AlarmView, id: string, request: FastifyRequest): AlarmRecord {
  const alarm = alarms.find(id)
  if (!alarm || !identityOf(request).scope.sees(alarm.device))
    throw new MillraceError('WEB_UNKNOWN', { what: `alarm "${id.slice(0, 100)}"` })
  return alarm
}

interface Order {
  alarm: string
  by?: string | undefined
  reason?: string | undefined
  note?: string | undefined
}

function ofAlarm({ alarm: { rule, device, channel }, by, body: { reason } }: Ordered<Order>) {
  return { rule, device, channel, by, ...(reason ? { reason } : {}) }
}

function heldBack(ordered: Ordered<Order>) {
  if (ordered.alarm.priority === 'high' && !ordered.body.reason)
    throw new MillraceError('WEB_BODY', { detail: 'reason: an alarm of priority high is held back only with a reason.' })
  return ofAlarm(ordered)
}
