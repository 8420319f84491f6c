/** From `millrace ca revoke` to the closed session, on each listener of our broker. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import type { Site } from './site.ts'

export interface Closing {
  listener: string
  /** From the start of the command, and from its end. */
  fromStartMs: number[]
  fromEndMs: number[]
}

export async function measureRevocation(site: Site, rounds: number): Promise<Closing[]> {
  const urls = { mqtts: `mqtts://127.0.0.1:${site.ports.mqtt}`, wss: `wss://127.0.0.1:${site.ports.webSocket}/mqtt` }
  const found: Closing[] = Object.keys(urls).map((listener) => ({ listener, fromStartMs: [], fromEndMs: [] }))
  for (let round = 0; round < rounds; round++) {
    const name = `revoked/r${round}`
    await site.millrace('ca', 'issue', name, '--to', site.path('issued'))
    const closed = await Promise.all(Object.values(urls).map((url) => closedAt(site, url, name)))
    const startedMs = performance.now()
    await site.millrace('ca', 'revoke', name)
    const endedMs = performance.now()
    for (const [at, closedMs] of (await Promise.all(closed.map(({ atMs }) => atMs))).entries()) {
      found[at]!.fromStartMs.push(closedMs - startedMs)
      found[at]!.fromEndMs.push(Math.max(0, closedMs - endedMs))
    }
  }
  return found
}

/** Connected now; `atMs` when it is not any more, or infinity. */
async function closedAt(site: Site, url: string, name: string): Promise<{ atMs: Promise<number> }> {
  const client = await connectWith(site, url, join(site.path('issued'), name.replace('/', '-')))
  const closed = new Promise<number>((resolve) => client.once('close', () => resolve(performance.now())))
  const late = new Promise<number>((resolve) => void setTimeout(resolve, 10_000, Number.POSITIVE_INFINITY).unref())
  return { atMs: Promise.race([closed, late]).finally(() => client.end(true)) }
}

/** @param file of certificate and key, without their endings */
export async function connectWith(site: Site, url: string, file: string, more: object = {}): Promise<MqttClient> {
  const [cert, key, ca] = [`${file}.crt`, `${file}.key`, site.path('ca/ca.crt')].map((path) => readFileSync(path))
  const client = await mqtt.connectAsync(url, { cert: cert!, key: key!, ca: ca!, reconnectPeriod: 0, ...more }, false)
  return client.on('error', () => {})
}

export function quantile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)]!
}
