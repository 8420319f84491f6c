/** Makes the client that the configuration asks for. @throws MillraceError CONFIG_INVALID, LOG_NOT_ENCRYPTED */
import { readFileSync } from 'node:fs'
import { isLoopback, MillraceError, readSecret } from '@millrace/platform'
import type { KafkaClient } from './client.ts'
import type { KafkaLogConfig } from './config.ts'
import { createPlatformaticClient } from './platformatic/platformatic.ts'

export type MakeClient = (config: KafkaLogConfig, onConnect: () => void) => KafkaClient

export const makeClient: MakeClient = (config, onConnect) => {
  const { clientId, requestMs, compression } = config
  const bootstrap = config.brokers.map(toAddress)
  const loopbackOnly = !config.tls && !config.insecurePlaintext
  for (const { host, port } of bootstrap)
    if (loopbackOnly && !isLoopback(host)) throw new MillraceError('LOG_NOT_ENCRYPTED', { host: `${host}:${port}` })
  const tls = config.tls && {
    ca: fileOf(config.tls.caFile, 'log.tls.caFile'),
    cert: fileOf(config.tls.certFile, 'log.tls.certFile'),
    key: fileOf(config.tls.keyFile, 'log.tls.keyFile'),
  }
  const sasl = config.sasl && {
    mechanism: config.sasl.mechanism,
    username: config.sasl.username,
    password: config.sasl.password ?? readSecret(config.sasl.passwordFile!, 'log.sasl.passwordFile'),
  }
  const connection = {
    connectTimeout: Math.min(5000, requestMs),
    requestTimeout: requestMs,
    // A bound of the library below that of our writers would only make requests wait twice.
    maxInflights: 64,
    tls,
    tlsServerName: config.tls?.serverName,
    sasl,
  }
  return createPlatformaticClient({ clientId, connection, loopbackOnly, bootstrap, compression, requestMs, onConnect })
}

function toAddress(broker: string) {
  const colon = broker.lastIndexOf(':')
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) }
}

function fileOf(path: string | undefined, key: string): Buffer | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', { path: key, detail: `cannot read ${path}` }, cause)
  }
}
