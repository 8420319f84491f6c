/**
 * Plain devices without a clock that publish retained messages and fall silent, a new one every few seconds: a client that subscribes
 * again is sent the broker's copy of the last one [MQTT-3.3.1-8], for as long as the broker keeps it. None of them ever lives again.
 */
import { publishAndDie } from '../../support/retained-sensor.ts'

const filter = 'dead/+/state'
const device = '{1}'
const channel = 'state'
export const deadSensors = {
  /** Part of the processor's configuration. */
  entry: { filter, device, channels: [{ name: channel, path: 'v' }] },
  account: { name: 'sensors', role: 'device' as const, args: ['dead'] },
  filter,
  channel,
  rule: 'no-state',
}

const everyMs = 6000

interface SensorPlace {
  brokerPort: number
  sensors: { username: string; password: string }
}

/** @returns stops it. */
export function raiseDeadSensors({ brokerPort, sensors }: SensorPlace): () => void {
  const stopping = new AbortController()
  const url = `mqtt://127.0.0.1:${brokerPort}`
  let count = 0
  const next = () => {
    const topic = `dead/sensor-${++count}/state`
    // One that the end of the run overtakes has said what it said.
    publishAndDie({ url, topic, ...sensors }, stopping.signal).catch(() => {})
  }
  next()
  const timer = setInterval(next, everyMs)
  return () => {
    clearInterval(timer)
    stopping.abort()
  }
}
