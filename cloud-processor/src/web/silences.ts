/**
 * Routes over silences. They are records of the alarms topic, and orders are control records.
 *
 *   GET  /api/silences         those of now
 *   POST /api/silences         {by?, reason, matchers, untilMs, id?}    with the id of one that is known it replaces it; says its id
 *   POST /api/silences/end     {by?, id, reason?}
 */
import { randomUUID } from 'node:crypto'
import { isOneOf, silenceMsMax } from '@millrace/alarms'
import type { AlarmRecord, AlarmTopicRecord, Control } from '@millrace/contract'
import { type Clock, MillraceError } from '@millrace/platform'
import type { FastifyInstance } from 'fastify'
import type { People } from '../people/index.ts'
import { audit, signature } from './actor.ts'
import { check, endOfSilence, silencing } from './query.ts'
import type { SilenceView } from './wire.ts'

export interface Silences {
  see(records: AlarmTopicRecord[]): void
  list(nowMs: number): SilenceView[]
}

/** Not more than the engine has at once. */
export function createSilences(): Silences {
  const known = new Map<string, SilenceView>()
  return {
    see(records) {
      for (const record of records) {
        if (record.k !== 'alarm' || !isOneOf('silence', record)) continue
        if (record.change === 'silenced') known.set(record.id, viewOf(record))
        else if (record.change === 'unsilenced') known.delete(record.id)
      }
    },
    list: (nowMs) => [...known.values()].filter(({ untilMs }) => untilMs > nowMs),
  }
}

function viewOf({ id, matchers, silenced, actor, reason, atMs }: AlarmRecord): SilenceView {
  return {
    id: id.slice(0, -2),
    matchers: matchers!,
    untilMs: silenced!.untilMs,
    by: actor ?? '',
    reason: reason ?? '',
    atMs,
  }
}

interface Orders {
  controls: { append(control: Control): Promise<void> }
  clock: Clock
  people: People
}

export function silenceRoutes(app: FastifyInstance, { controls, clock, people }: Orders, silences: Silences): void {
  app.get('/api/silences', async () => silences.list(clock.now()))

  app.post('/api/silences', async (request, reply) => {
    const { id = randomUUID().slice(0, 8), by: said, ...order } = check(silencing, request.body, 'WEB_BODY')
    checkUntil(order.untilMs, clock.now())
    const by = signature(request, said)
    const control: Control = { type: 'silence', id, ...order, by }
    audit(people, request, { action: 'silence.add', target: id, after: control, said: by, reason: order.reason })
    await controls.append(control)
    return reply.code(202).send({ accepted: true, id })
  })

  app.post('/api/silences/end', async (request, reply) => {
    const { id, by: said, reason } = check(endOfSilence, request.body, 'WEB_BODY')
    const before = silences.list(clock.now()).find((one) => one.id === id)
    if (!before) throw new MillraceError('WEB_UNKNOWN', { what: `silence "${id.slice(0, 100)}"` })
    const by = signature(request, said)
    audit(people, request, { action: 'silence.end', target: id, before, said: by, reason })
    await controls.append({ type: 'end-silence', id, by, ...(reason ? { reason } : {}) })
    return reply.code(202).send({ accepted: true })
  })
}

function checkUntil(untilMs: number, nowMs: number): void {
  if (untilMs <= nowMs) throw new MillraceError('WEB_BODY', { detail: `untilMs: ${untilMs} is past.` })
  if (untilMs <= nowMs + silenceMsMax) return
  throw new MillraceError('WEB_BODY', { detail: `untilMs: ${untilMs} is more than ${silenceMsMax / 86_400_000} days ahead.` })
}
