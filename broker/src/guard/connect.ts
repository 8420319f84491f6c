/**
 * The body of CONNECT, MQTT 3.1.1 section 3.1:
 *
 *     text "MQTT" | level 4 | flags | keep alive u16 | client id text | [will topic text, will message] | [user text] | [password]
 *     flags: 7 user name, 6 password, 5 will retain, 4-3 will QoS, 2 will, 1 clean session, 0 reserved
 */
import type { Refusal } from '../refusals.ts'
import { checkText, checkTopic, type TopicLimits } from './text.ts'

/** `bytes[body..end)` is the whole body. */
export function checkConnect(bytes: Buffer, body: number, end: number, limits: TopicLimits): Refusal | undefined {
  if (end - body < 10) return 'length-overrun'
  if (bytes.readUInt16BE(body) !== 4 || bytes.toString('latin1', body + 2, body + 6) !== 'MQTT')
    return checkOldName(bytes, body, end)
  if (bytes[body + 6] !== 4) return 'protocol-level'
  return checkFlags(bytes[body + 7]!) ?? checkPayload(bytes, body, end, limits)
}

/** MQTT 3.1 called itself MQIsdp; such a client understands a CONNACK and is told. */
function checkOldName(bytes: Buffer, body: number, end: number): Refusal {
  return end - body >= 9 && bytes.toString('latin1', body + 2, body + 8) === 'MQIsdp' ? 'protocol-level' : 'protocol-name'
}

function checkFlags(flags: number): Refusal | undefined {
  const willQos = (flags >> 3) & 3
  if (flags & 0x01) return 'connect-reserved-flag' // [MQTT-3.1.2-3]
  if (!(flags & 0x04) && flags & 0x38) return 'will-flags' // [MQTT-3.1.2-13] [MQTT-3.1.2-15]
  if (willQos === 3) return 'will-qos-3' // [MQTT-3.1.2-14]
  if (flags & 0x40 && !(flags & 0x80)) return 'password-without-user-name' // [MQTT-3.1.2-22]
  return undefined
}

function checkPayload(bytes: Buffer, body: number, end: number, limits: TopicLimits): Refusal | undefined {
  const flags = bytes[body + 7]!
  let at = body + 10
  let refusal: Refusal | undefined
  const field = (check?: (from: number, to: number) => Refusal | undefined) => {
    if (refusal) return
    const to = at + 2 <= end ? at + 2 + bytes.readUInt16BE(at) : end + 1
    refusal = to > end ? 'length-overrun' : check?.(at + 2, to)
    at = to
  }
  field((from, to) => (from === to && !(flags & 0x02) ? 'client-id-empty' : checkText(bytes, from, to))) // [MQTT-3.1.3-8]
  if (flags & 0x04) {
    field((from, to) => checkTopic(bytes, from, to, limits))
    field()
  }
  if (flags & 0x80) field((from, to) => checkText(bytes, from, to))
  if (flags & 0x40) field()
  return refusal ?? (at < end ? 'trailing-bytes' : undefined)
}
