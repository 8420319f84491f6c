/** MQTT 3.1.1 by mqtt.js. Reconnecting, queueing and resubscribing are the uplink's: mqtt.js would do them from memory only. */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { type Log, readSecret } from '@millrace/platform'
import { connect, connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { writeToStream } from 'mqtt-packet'
import type { UplinkOptions } from './options.ts'
import type { Connection, Transport, TransportEvents } from './transport.ts'

/** A broker that says nothing keeps nobody from stopping; it tells the will then. */
const endMsMax = 1000

// mqtt.js's own encoder: else it keeps a buffer for each of the 65,536 packet ids, 8 MB in all.
writeToStream.cacheNumbers = false

export interface MqttContext {
  log: Log
  /** Key and certificate, PEM, where the agent keeps them itself. */
  credentialFile?: string | undefined
}

export function connectMqtt(options: UplinkOptions, { log, credentialFile }: MqttContext): Transport {
  return {
    connect(will, events) {
      const client = connect(options.url, {
        ...clientOptions(options, credentialFile),
        will: { topic: will.topic, payload: buffer(will.payload), qos: 1, retain: false },
      })
      return connectionOf(client, options, events, log)
    },
  }
}

/** Connects with the credential and leaves. @throws what the broker or TLS says */
export async function tryCredential(options: UplinkOptions, credentialFile: string, clientId: string): Promise<void> {
  const client = await connectAsync(options.url, { ...clientOptions(options, credentialFile), clientId }, false)
  await client.endAsync()
}

/** The files are read at each connection, so that a renewed credential is used without a restart. */
function clientOptions(options: UplinkOptions, credentialFile = options.certFile): IClientOptions {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path))
  const password = options.passwordFile === undefined ? options.password : readSecret(options.passwordFile, 'uplink.passwordFile')
  return {
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    keepalive: options.keepaliveSeconds,
    connectTimeout: options.connectMsMax,
    ...(options.clientId === undefined ? {} : { clientId: options.clientId }),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(password === undefined ? {} : { password }),
    ...(options.caFile === undefined ? {} : { ca: file(options.caFile) }),
    ...(credentialFile === undefined ? {} : { cert: file(credentialFile), key: file(options.keyFile ?? credentialFile) }),
  }
}

function connectionOf(client: MqttClient, { bufferBytesMax }: UplinkOptions, events: TransportEvents, log: Log): Connection {
  let reason = 'closed by the broker'
  let isClosed = false
  let isFull = false
  client.on('connect', () => {
    // Else Nagle's algorithm holds a batch until the broker has acknowledged the one before: up to 40 ms. A WebSocket has none.
    ;(client.stream as Partial<Socket>).setNoDelay?.(true)
    events.open()
  })
  client.on('message', (topic, payload) => events.message(topic, payload))
  client.on('error', (error) => {
    reason = error.message || `${(error as NodeJS.ErrnoException).code}`
    // A refused CONNECT leaves the socket open until the broker closes it.
    close()
  })
  client.on('close', close)
  return {
    async subscribe(filters) {
      const granted = await client.subscribeAsync(filters, { qos: 1 })
      if (granted.some(({ qos }) => qos === 128)) throw new Error('the broker refused a subscription')
    },
    publish(topic, payload, qos) {
      if (isClosed || !client.connected) return false
      client.publish(topic, buffer(payload), { qos, retain: false }, (error) => {
        if (error) log.warn('publish failed', { topic, error })
        if (isFull && buffered() < bufferBytesMax / 2) {
          isFull = false
          events.writable()
        }
      })
      if (buffered() >= bufferBytesMax) isFull = true
      return !isFull
    },
    async end() {
      if (client.connected) await Promise.race([client.endAsync().catch(() => {}), pause(endMsMax)])
      close()
    },
  }

  function close(): void {
    if (isClosed) return
    isClosed = true
    client.end(true)
    events.closed(reason)
  }

  function buffered(): number {
    return client.stream?.writableLength ?? 0
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
