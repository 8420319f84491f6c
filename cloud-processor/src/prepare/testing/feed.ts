/** The stage with its records one by one; between records the state goes through its snapshot. */
import { decodeJson, encodeRaw, type RawRecord, type RejectedRecord, type TimelineRecord, topics } from '@millrace/contract'
import type { z } from 'zod'
import { prepareSchema } from '../config.ts'
import { createPrepareStage } from '../prepare.ts'

export const now = Date.UTC(2026, 0, 1)

/** `isQuick`: the state does not go through its snapshot. */
export function createFeed(config: z.input<typeof prepareSchema> = {}, { isQuick = false } = {}) {
  let stage = createPrepareStage(prepareSchema.parse(config))
  let state = stage.initial(0)
  let offset = 0
  function feed(raw: RawRecord) {
    const timeline: TimelineRecord[] = []
    const rejected: RejectedRecord[] = []
    stage.step(state, { offset: offset++, key: '', value: encodeRaw(raw), timeMs: now }, (topic, _key, value) => {
      if (topic === topics.timeline) timeline.push(decodeJson(value))
      else rejected.push(decodeJson(value))
    })
    if (!isQuick) state = stage.decode(stage.encode(state))
    return { timeline, rejected }
  }
  return {
    state: () => state,
    raw: feed,
    /** As a snapshot from before time.ts. */
    forgetClocks() {
      const { time: _, wrong: __, ...former } = state
      state = stage.decode(stage.encode(former as typeof state))
    },
    message: (topic: string, payload: Uint8Array, receivedMs = now) => feed({ k: 'message', topic, payload, receivedMs }),
    /** As a subscription brings it. */
    copy: (topic: string, payload: Uint8Array, receivedMs = now) =>
      feed({ k: 'message', topic, payload, receivedMs, qos: 1, retain: true }),
    tick: (atMs: number) => feed({ k: 'tick', atMs }),
    replay(topic: string, payload: Uint8Array, receivedMs = now, atMs = now) {
      const payloadBase64 = Buffer.from(payload).toString('base64')
      return feed({ k: 'control', atMs, control: { by: 'test', type: 'replay-rejected', topic, payloadBase64, receivedMs } })
    },
    reconfigure(next: z.input<typeof prepareSchema>) {
      stage = createPrepareStage(prepareSchema.parse(next))
    },
  }
}
