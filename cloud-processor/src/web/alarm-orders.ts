/**
 * Routes over alarms that change something, each by a control record, and what became of one alarm.
 *
 *   POST /api/alarms/acknowledge     {alarm, by, note?}
 *   POST /api/alarms/comment         {alarm, by, note}
 *   POST /api/alarms/shelve          {alarm, by, reason?, untilMs?}    of its rule, device and channel; without `untilMs` until it clears
 *   POST /api/alarms/unshelve        {alarm, by, reason?}
 *   POST /api/alarms/out-of-service  {alarm, by, reason?}
 *   POST /api/alarms/in-service      {alarm, by, reason?}
 *   GET  /api/alarms/changes?alarm   its newest changes, the oldest first
 */
import type { AlarmRecord, Control } from '@millrace/contract'
import { type Clock, MillraceError } from '@millrace/platform'
import type { FastifyInstance } from 'fastify'
import type { AlarmView } from './alarm-view.ts'
import { acknowledgement, changesQuery, check, comment, holdOrder, shelving } from './query.ts'

interface Orders {
  controls: { append(control: Control): Promise<void> }
  clock: Clock
}

export function alarmRoutes(app: FastifyInstance, { controls, clock }: Orders, alarms: AlarmView): void {
  const order = (name: string, make: (body: unknown) => Control) =>
    app.post(`/api/alarms/${name}`, async ({ body }, reply) => {
      await controls.append(make(body))
      return reply.code(202).send({ accepted: true })
    })

  order('acknowledge', (body) => {
    const { alarm, by, note } = check(acknowledgement, body, 'WEB_BODY')
    known(alarms, alarm)
    return { type: 'acknowledge', alarm, by, ...(note ? { note } : {}) }
  })
  order('comment', (body) => {
    const { alarm, by, note } = check(comment, body, 'WEB_BODY')
    known(alarms, alarm)
    return { type: 'comment', alarm, by, note }
  })
  order('shelve', (body) => {
    const { untilMs, ...rest } = check(shelving, body, 'WEB_BODY')
    if (untilMs !== undefined && untilMs <= clock.now())
      throw new MillraceError('WEB_BODY', { detail: `untilMs: ${untilMs} is past.` })
    const held = heldBack(alarms, rest)
    return { type: 'shelve', ...held, ...(untilMs === undefined ? {} : { untilMs }) }
  })
  order('out-of-service', (body) => ({ type: 'out-of-service', ...heldBack(alarms, check(holdOrder, body, 'WEB_BODY')) }))
  for (const type of ['unshelve', 'in-service'] as const)
    order(type, (body) => ({ type, ...ofAlarm(alarms, check(holdOrder, body, 'WEB_BODY')) }))

  app.get('/api/alarms/changes', async ({ query }) => {
    const { alarm } = check(changesQuery, query)
    known(alarms, alarm)
    return alarms.changes(alarm)
  })
}

function known(alarms: AlarmView, id: string): AlarmRecord {
  const alarm = alarms.find(id)
  if (!alarm) throw new MillraceError('WEB_UNKNOWN', { what: `alarm "${id.slice(0, 100)}"` })
  return alarm
}

interface Order {
  alarm: string
  by: string
  reason?: string | undefined
}

function ofAlarm(alarms: AlarmView, { alarm, by, reason }: Order) {
  const { rule, device, channel } = known(alarms, alarm)
  return { rule, device, channel, by, ...(reason ? { reason } : {}) }
}

function heldBack(alarms: AlarmView, order: Order) {
  if (known(alarms, order.alarm).priority === 'high' && !order.reason)
    throw new MillraceError('WEB_BODY', { detail: 'reason: an alarm of priority high is held back only with a reason.' })
  return ofAlarm(alarms, order)
}
