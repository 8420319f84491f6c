/** Makes the client that the configuration asks for. @throws MillraceError CONFIG_INVALID, LOG_NOT_ENCRYPTED */
import { MillraceError } from '@millrace/platform'
import { addressOf, connectMs, isLoopbackOnly, readPassword, readTls, unsafeBroker } from '../../kafka/connection.ts'
import type { KafkaClient } from './client.ts'
import type { KafkaLogConfig } from './config.ts'
import { createPlatformaticClient } from './platformatic/platformatic.ts'

export type MakeClient = (config: KafkaLogConfig, onConnect: () => void) => KafkaClient

export const makeClient: MakeClient = (config, onConnect) => {
  const { clientId, requestMs, compression, brokers, tls, sasl } = config
  const host = unsafeBroker(config)
  if (host !== undefined) throw new MillraceError('LOG_NOT_ENCRYPTED', { host })
  const password = () => readPassword(sasl!, 'log.sasl')
  // A file that cannot be read is told at once.
  if (sasl) password()
  const connection = {
    connectTimeout: connectMs(config),
    requestTimeout: requestMs,
    // A bound of the library below that of our writers would only make requests wait twice.
    maxInflights: 64,
    tls: tls && readTls(tls, 'log.tls'),
    tlsServerName: tls?.serverName,
    sasl: sasl && { mechanism: sasl.mechanism, username: sasl.username, password },
  }
  const loopbackOnly = isLoopbackOnly(config)
  return createPlatformaticClient({
    ...{ clientId, connection, loopbackOnly, compression, requestMs, onConnect },
    bootstrap: brokers.map(addressOf),
  })
}
