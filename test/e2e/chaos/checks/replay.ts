/**
 * One walk over `raw`, for three questions:
 * - What was receipted, or freed by an outbox, is in raw; and no receipt was seen before its batch was there.
 * - What was committed is in raw.
 * - The same log gives the same result: `prepare` and `rules`, run here over raw without a fault, make the very records of
 *   timeline, rejected and alarms that the processes made through all the kills; none is missing, doubled or different.
 */

import { createPrepareStage, prepareSchema } from '@millrace/cloud-processor/prepare'
import { createRulesStage, ruleFileSchema } from '@millrace/cloud-processor/rules'
import { encodeRaw, parseBatchName } from '@millrace/contract'
import { peek } from '@millrace/contract/sparkplug'
import type { Api } from 'millrace'
import type { Ledgers, Name } from '../observer.ts'
import { type Entry, readTopic } from './log.ts'

export interface Replay {
  records: number
  wrong: string[]
  inRaw: Map<Name, number>
}

export async function replay(api: Api, rules: object): Promise<Replay> {
  const live = { timeline: compared(api, 'timeline'), rejected: compared(api, 'rejected'), alarms: compared(api, 'alarms') }
  // Their ends first: raw, read after them, holds all that they were made from.
  for (const topic of Object.values(live)) await topic.begin()
  const prepare = createPrepareStage(prepareSchema.parse({}))
  const engine = createRulesStage(ruleFileSchema.parse(rules))
  const [prepared, judged] = [prepare.initial(0), engine.initial(0)]
  const made: { topic: keyof typeof live; value: Uint8Array }[] = []
  const inRaw = new Map<Name, number>()
  let records = 0
  for await (const entry of readTopic(api, 'raw')) {
    records++
    const { payloadBase64, ...rest } = entry.record as { payloadBase64?: string; k: string; topic: string; receivedMs: number }
    const payload = payloadBase64 === undefined ? undefined : Buffer.from(payloadBase64, 'base64')
    if (payload) note(payload, entry, inRaw)
    const value = encodeRaw((payload ? { ...rest, payload } : rest) as Parameters<typeof encodeRaw>[0])
    const at = { offset: entry.offset, key: entry.key, timeMs: entry.timeMs, value }
    prepare.step(prepared, at, (topic, _key, output) => {
      made.push({ topic: topic.split('.')[1] as 'timeline', value: output })
      if (topic !== 'millrace.timeline') return
      const source = { log: '', partition: 0, offset: 0, index: 0 }
      engine.step(judged, { ...at, value: output, source }, (_topic, _, alarm) => made.push({ topic: 'alarms', value: alarm }))
    })
    for (const { topic, value: output } of made.splice(0)) await live[topic].expect(Buffer.from(output).toString())
  }
  for (const topic of Object.values(live)) await topic.end()
  return { records, inRaw, wrong: Object.values(live).flatMap(({ wrong }) => wrong) }
}

function note(payload: Uint8Array, { timeMs }: Entry, inRaw: Map<Name, number>): void {
  const name = parseBatchName(peek(payload)?.uuid)
  if (!name) return
  const key = `${name.stream}/${name.number}`
  if (!inRaw.has(key)) inRaw.set(key, timeMs)
}

/** A topic as it is, to be held against what is expected, record by record. */
function compared(api: Api, topic: 'timeline' | 'rejected' | 'alarms') {
  const records = readTopic(api, topic)
  const wrong: string[] = []
  let next: IteratorResult<Entry>
  return {
    wrong,
    async begin() {
      next = await records.next()
    },
    /** More may be expected than there was when it was read; never less. */
    async expect(text: string) {
      if (next.done || wrong.length > 0) return
      const found = JSON.stringify(next.value.record)
      if (found !== text)
        wrong.push(`${topic} at ${next.value.offset}: ${found.slice(0, 200)}, a replay gives ${text.slice(0, 200)}`)
      next = await records.next()
    },
    async end() {
      if (!next.done && wrong.length === 0) wrong.push(`${topic} at ${next.value.offset}: a replay does not give it`)
    },
  }
}

/** @returns what is wrong with receipts and freed batches. */
export function compareReceipts({ committed, freed, receipted }: Ledgers, { inRaw }: Replay): string[] {
  const wrong: string[] = []
  for (const [name, atMs] of receipted) {
    const rawMs = inRaw.get(name)
    if (rawMs === undefined) wrong.push(`${name} was receipted and is not in raw`)
    else if (atMs < rawMs) wrong.push(`${name} was receipted ${rawMs - atMs} ms before it was appended`)
  }
  for (const name of freed.keys()) if (!inRaw.has(name)) wrong.push(`${name} was freed by its outbox and is not in raw`)
  for (const name of committed.keys()) if (!inRaw.has(name)) wrong.push(`${name} was committed and never came to raw`)
  return wrong
}
