/**
 * UTF-8 encoded strings of MQTT (section 1.5.3): two bytes of length, then the bytes. Checked in place, in one pass; only a
 * text with a byte over 0x7F is looked at twice.
 */
import { isUtf8 } from 'node:buffer'
import type { Refusal } from '../refusals.ts'

export interface TopicLimits {
  topicBytes: number
  topicLevels: number
}

const slash = 0x2f
const plus = 0x2b
const hash = 0x23

/** Any text: client id, user name. */
export function checkText(bytes: Buffer, start: number, end: number): Refusal | undefined {
  for (let i = start; i < end; i++) {
    if (bytes[i]! >= 0x80) return checkWideText(bytes, start, end)
    if (bytes[i] === 0) return 'text-nul' // [MQTT-1.5.3-2]
  }
  return undefined
}

/** The topic of a message: no wildcards [MQTT-3.3.2-2]. */
export function checkTopic(bytes: Buffer, start: number, end: number, limits: TopicLimits): Refusal | undefined {
  const refusal = checkLevels(bytes, start, end, limits)
  if (refusal) return refusal
  for (let i = start; i < end; i++) if (bytes[i] === plus || bytes[i] === hash) return 'topic-wildcard'
  return undefined
}

/** The filter of a subscription: `#` fills the last level [MQTT-4.7.1-2], `+` a whole level [MQTT-4.7.1-3]. */
export function checkFilter(bytes: Buffer, start: number, end: number, limits: TopicLimits): Refusal | undefined {
  const refusal = checkLevels(bytes, start, end, limits)
  if (refusal) return refusal
  for (let i = start; i < end; i++) {
    if (bytes[i] !== plus && bytes[i] !== hash) continue
    const opens = i === start || bytes[i - 1] === slash
    const closes = i + 1 === end || (bytes[i] === plus && bytes[i + 1] === slash)
    if (!opens || !closes) return 'filter-syntax'
  }
  return undefined
}

function checkLevels(bytes: Buffer, start: number, end: number, limits: TopicLimits): Refusal | undefined {
  if (start === end) return 'topic-empty' // [MQTT-4.7.3-1]
  if (end - start > limits.topicBytes) return 'topic-too-long'
  let levels = 1
  for (let i = start; i < end; i++) if (bytes[i] === slash) levels++
  return levels > limits.topicLevels ? 'topic-too-deep' : checkText(bytes, start, end)
}

function checkWideText(bytes: Buffer, start: number, end: number): Refusal | undefined {
  const text = bytes.subarray(start, end)
  if (text.includes(0)) return 'text-nul'
  return isUtf8(text) ? undefined : 'text-not-utf8' // surrogates are not UTF-8 either [MQTT-1.5.3-1]
}
