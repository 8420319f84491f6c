/**
 * Plain MQTT devices as load: `node test/bench/plain-publishers.ts <port> <messages> <readings in each>`. Twenty connections publish
 * JSON with QoS 1, each with at most `windowMessages` unacknowledged; ends when the broker has acknowledged all.
 */
import { connect as openTcp } from 'node:net'
import { connect, publish } from '@millrace/broker/testing/packets'

const devices = 20
const windowMessages = 200
const [port, messages, readings] = process.argv.slice(2).map(Number) as [number, number, number]

await Promise.all(Array.from({ length: devices }, (_, k) => run(k)))

function run(device: number): Promise<void> {
  const total = Math.floor(messages / devices)
  const startMs = Date.now() - total * readings
  return new Promise((resolve, reject) => {
    let sent = 0
    let acknowledged = 0
    const socket = openTcp(port, '127.0.0.1', () => socket.write(connect({ clientId: `device-${device}` })))
    socket.setNoDelay(true)
    socket.on('error', reject)
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      const bytes = Buffer.concat([rest, chunk])
      const whole = bytes.length - (bytes.length % 4)
      rest = bytes.subarray(whole)
      // CONNACK and PUBACK are four bytes each.
      for (let at = 0; at < whole; at += 4) if (bytes[at] === 0x40) acknowledged++
      if (acknowledged === total) return void socket.end(() => resolve())
      const group: Buffer[] = []
      for (; sent < total && sent - acknowledged < windowMessages; sent++)
        group.push(publish(`lab/device-${device}/state`, payload(startMs + sent * readings), 1, (sent % 65_535) + 1))
      if (group.length > 0) socket.write(Buffer.concat(group))
    })
  })
}

function payload(atMs: number): string {
  const values = Array.from({ length: readings }, (_, k) => ({ ts: atMs + k, temp: 20 + (k % 7) }))
  return JSON.stringify(readings === 1 ? values[0] : values)
}
