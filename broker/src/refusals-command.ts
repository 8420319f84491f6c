/** `millrace-broker refusals`: asks the metrics endpoint of the running broker who was refused what. */
import { readFileSync } from 'node:fs'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { json } from 'node:stream/consumers'
import { MillraceError, readSecret } from '@millrace/platform'
import type { BrokerConfig } from './config.ts'
import type { RefusalEntry } from './refusal-audit.ts'

/** @throws MillraceError BROKER_METRICS_UNAVAILABLE */
export async function printRefusals({ metrics }: Pick<BrokerConfig, 'metrics'>): Promise<void> {
  const { host, port } = metrics
  if (port === 0) throw new MillraceError('BROKER_METRICS_UNAVAILABLE', { address: 'metrics.port 0', detail: 'it is off' })
  const entries = await ask(metrics).catch((cause: Error) => {
    throw new MillraceError('BROKER_METRICS_UNAVAILABLE', { address: `${host}:${port}`, detail: cause.message }, cause)
  })
  process.stdout.write(`${entries.map(lineOf).join('\n') || 'nobody was refused'}\n`)
}

function ask({ host, port, tls, credential }: BrokerConfig['metrics']): Promise<RefusalEntry[]> {
  const auth = credential && `${credential.name}:${readSecret(credential.passwordFile, 'metrics.credential')}`
  // It is this very certificate that is trusted, whatever its names: they are those by which others reach it.
  const pinned = tls && { ca: readFileSync(tls.certFile), allowPartialTrustChain: true, checkServerIdentity: () => undefined }
  const options = { host, port, path: '/refusals', ...(auth ? { auth } : {}), ...pinned }
  return new Promise((resolve, reject) => {
    const asked = (tls ? requestTls : requestPlain)(options, (answer) => {
      if (answer.statusCode === 200) return resolve(json(answer) as Promise<RefusalEntry[]>)
      answer.resume()
      reject(new Error(`it answers ${answer.statusCode}`))
    })
    asked.on('error', reject).end()
  })
}

function lineOf({ lastMs, count, reason, user, address, clientId, topic, filter }: RefusalEntry): string {
  const who = `${JSON.stringify(user ?? '')} at ${address ?? 'unknown'}${clientId ? `, client ${JSON.stringify(clientId)}` : ''}`
  const what = topic ?? filter
  return `${new Date(lastMs).toISOString()}  ${count} times  ${reason}  ${who}${what === undefined ? '' : `  ${JSON.stringify(what)}`}`
}
