/**
 * Routes over the event log: a topic's records, page by page, and the replay of what was rejected.
 *
 *   GET  /api/log/:topic?partition&from&limit   JSON lines {offset, key, timeMs, source?, record}; `topic` is raw, timeline, rejected or alarms
 *   POST /api/rejected/replay {by?, reason?, from?, to?}    puts rejected messages before `prepare` again, by control records
 */
import { createHash } from 'node:crypto'
import { type Control, decodeJson, decodeRaw, type RejectedRecord, type Topic, topics } from '@millrace/contract'
import { MillraceError, ownValue } from '@millrace/platform'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Log, LogRecord } from '../log/log.ts'
import type { People } from '../people/index.ts'
import { audit, signature } from './actor.ts'
import { by, check } from './query.ts'

const page = { records: 1000, bytes: 8 << 20 }

const logQuery = z.strictObject({
  partition: z.coerce.number().int().min(0).default(0),
  from: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(page.records).default(page.records),
})

const replayBody = z.strictObject({
  by,
  reason: z.string().max(100).optional().describe('Only what was rejected for this reason'),
  from: z.number().optional().describe('Only what was rejected at or after this time, epoch ms'),
  to: z.number().optional(),
})

interface TopicParts {
  controls: { append(control: Control): Promise<void> }
  people: People
}

export function topicRoutes(app: FastifyInstance, log: Log, { controls, people }: TopicParts): void {
  app.get<{ Params: { topic: string } }>('/api/log/:topic', async ({ params, query }, reply) => {
    const topic = findTopic(params.topic)
    const { partition, from, limit } = check(logQuery, query)
    if (partition >= log.partitions) throw new MillraceError('WEB_UNKNOWN', { what: `partition ${partition}` })
    const { start, end } = await log.bounds(topic, partition)
    const records = await log.read(topic, partition, Math.max(start, from ?? end), { records: limit, bytes: page.bytes })
    reply.header('x-log-id', log.id).header('x-log-start', start).header('x-log-end', end).type('application/jsonl')
    return records.map((record) => `${JSON.stringify(describe(topic, record))}\n`).join('')
  })

  app.post('/api/rejected/replay', async (request) => {
    const wanted = check(replayBody, request.body, 'WEB_BODY')
    const signed = signature(request, wanted.by)
    const { by: said = signed, ...what } = wanted
    audit(people, request, { action: 'rejected.replay', target: 'rejected', after: what, said })
    let replayed = 0
    for (let partition = 0; partition < log.partitions; partition++) {
      for await (const rejected of allRejected(log, partition, (one) => isWanted(one, wanted))) {
        const { topic, receivedMs, bytesBase64, retain } = rejected
        await controls.append({
          by: signed,
          type: 'replay-rejected',
          topic: topic!,
          receivedMs: receivedMs!,
          payloadBase64: bytesBase64,
          ...(retain ? { retain } : {}),
        })
        replayed++
      }
    }
    return { replayed }
  })
}

function findTopic(name: string): Topic {
  const topic = ownValue<Topic>(topics, name)
  if (!topic) throw new MillraceError('WEB_UNKNOWN', { what: `topic "${name.slice(0, 100)}"` })
  return topic
}

function describe(topic: Topic, { offset, key, timeMs, source, value }: LogRecord) {
  if (topic !== topics.raw) return { offset, key, timeMs, source, record: decodeJson(value) }
  const raw = decodeRaw(value)
  if (raw.k !== 'message') return { offset, key, timeMs, record: raw }
  const { payload, ...rest } = raw
  return { offset, key, timeMs, record: { ...rest, payloadBase64: Buffer.from(payload).toString('base64') } }
}

/** One message may have been rejected for several reasons; it is replayed once. */
async function* allRejected(
  log: Log,
  partition: number,
  isWanted: (rejected: RejectedRecord) => boolean,
): AsyncGenerator<RejectedRecord> {
  const seen = new Set<string>()
  const { start, end } = await log.bounds(topics.rejected, partition)
  for (let from = start; from < end; ) {
    const records = await log.read(topics.rejected, partition, from, page)
    if (records.length === 0) return
    from = records.at(-1)!.offset + 1
    for (const { value, damage } of records) {
      if (damage) continue
      const rejected = decodeJson<RejectedRecord>(value)
      if (rejected.topic === undefined || !isWanted(rejected)) continue
      const message = messageOf(rejected)
      if (seen.has(message)) continue
      seen.add(message)
      yield rejected
    }
  }
}

/** Two devices may say the same, and one may say it again. */
function messageOf({ topic, receivedMs, bytesBase64 }: RejectedRecord): string {
  return createHash('sha256').update(`${topic}\0${receivedMs}\0${bytesBase64}`).digest('base64url')
}

function isWanted({ reason, atMs }: RejectedRecord, wanted: z.infer<typeof replayBody>): boolean {
  return (
    (!wanted.reason || reason === wanted.reason) && atMs >= (wanted.from ?? 0) && atMs <= (wanted.to ?? Number.POSITIVE_INFINITY)
  )
}
