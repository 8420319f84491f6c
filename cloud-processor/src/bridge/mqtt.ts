/**
 * The bridge's connections: Sparkplug data (QoS 0), plain devices (QoS 1, a persistent session), and STATE with the retained
 * birth and will of the Sparkplug host application.
 */
import { readFileSync } from 'node:fs'
import type { Clock, Log as Lines } from '@millrace/contract/service'
import { formatStateTopic } from '@millrace/contract/sparkplug'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { Transport } from './bridge.ts'
import type { BridgeConfig } from './config.ts'

type Listener = (topic: string, payload: Uint8Array, settled: (isDurable: boolean) => void) => void

export function connectTransport(config: BridgeConfig, { clock, lines }: { clock: Clock; lines: Lines }): Transport {
  const common = { ...credentials(config), queueQoSZero: false, reconnectPeriod: 1000, resubscribe: false, keepalive: 10 }
  let listener: Listener = (_topic, _payload, settled) => settled(false)
  const state = connectState(config, clock, lines)

  const data = connect(config.url, { ...common, clientId: config.clientId, clean: true })
  data.on('connect', () => subscribe(data, ['spBv1.0/#'], 0, lines, () => state.announce()))
  data.handleMessage = (packet, done) => {
    const { topic, payload } = packet as { topic: string; payload: Uint8Array }
    listener(topic, payload, () => {})
    done()
  }
  const clients = [data]
  if (config.plain.length > 0) clients.push(connectPlain(config, common, lines, () => listener))
  for (const client of clients) {
    client.on('close', () => lines.warn('connection to the broker closed', { client: client.options.clientId }))
    client.on('error', (error) => lines.warn('broker connection failed', { client: client.options.clientId, error }))
  }
  return {
    publish: (topic, payload) => void (data.connected && data.publish(topic, payload as Buffer, { qos: 0 })),
    onMessage: (call) => {
      listener = call
    },
    connected: () => data.connected,
    async close() {
      await state.close()
      await Promise.all(clients.map((client) => client.endAsync()))
    },
  }
}

/** PUBACK follows the durable append; what was dropped is redelivered when the session is taken up again. */
function connectPlain(config: BridgeConfig, common: IClientOptions, lines: Lines, listener: () => Listener): MqttClient {
  const client = connect(config.url, { ...common, clientId: `${config.clientId}-plain`, clean: false })
  client.on('connect', () => subscribe(client, config.plain, 1, lines, () => {}))
  client.handleMessage = (packet, done) => {
    const { topic, payload } = packet as { topic: string; payload: Uint8Array }
    listener()(topic, payload, (isDurable) => {
      if (isDurable) done()
      else client.stream.destroy()
    })
  }
  return client
}

function subscribe(client: MqttClient, filters: string[], qos: 0 | 1, lines: Lines, done: () => void): void {
  lines.info('connected to the broker', { client: client.options.clientId })
  client.subscribe(filters, { qos }, (error) => {
    if (error) lines.error('the broker refused the subscription; give this account the role host', { filters, error })
    else done()
  })
}

/** [tck-id-host-topic-phid-birth-payload] The will and the birth of one connection carry the same timestamp, which never goes back. */
function connectState(config: BridgeConfig, clock: Clock, lines: Lines) {
  const topic = formatStateTopic(config.host)
  let timestamp = 0
  let client: MqttClient | undefined
  let isSubscribed = false
  const payload = (online: boolean) => JSON.stringify({ online, timestamp })
  const options = (): IClientOptions => {
    timestamp = Math.max(clock.now(), timestamp + 1)
    return {
      ...credentials(config),
      clientId: `${config.clientId}-state`,
      clean: true,
      reconnectPeriod: 1000,
      keepalive: 10,
      will: { topic, payload: Buffer.from(payload(false)), qos: 1, retain: true },
    }
  }
  const say = () => {
    if (client?.connected && isSubscribed) client.publish(topic, payload(true), { qos: 1, retain: true })
  }
  client = connect(config.url, options())
  client.on('connect', () => client!.subscribe(topic, { qos: 1 }, say))
  client.on('message', (_topic, message) => {
    // Somebody's will, or another instance, said that this host is offline: say again that it is not.
    if (readState(message)?.online === false) {
      timestamp = Math.max(clock.now(), timestamp + 1)
      say()
    }
  })
  client.on('reconnect', () => Object.assign(client!.options, options()))
  client.on('error', (error) => lines.warn('STATE connection failed', { error }))
  return {
    announce() {
      isSubscribed = true
      say()
    },
    async close() {
      if (client!.connected) await client!.publishAsync(topic, payload(false), { qos: 1, retain: true })
      await client!.endAsync()
    },
  }
}

function readState(message: Uint8Array): { online?: unknown } | undefined {
  try {
    return JSON.parse(Buffer.from(message).toString())
  } catch {
    return undefined
  }
}

function credentials(config: BridgeConfig): IClientOptions {
  const password = config.passwordFile ? readFileSync(config.passwordFile, 'utf8').split('\n')[0]! : config.password
  return {
    ...(config.username ? { username: config.username } : {}),
    ...(password ? { password } : {}),
    ...(config.caFile ? { ca: readFileSync(config.caFile) } : {}),
  }
}
