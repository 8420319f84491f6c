/** A listener with TLS (PEM files of a certificate authority made here) and SASL, PLAIN and SCRAM-SHA-512. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { needs, run } from '../command.ts'

export interface Security {
  /** Of the SASL_SSL listener. */
  address: string
  /** PEM of the authority that signed the broker's certificate, which is for 127.0.0.1 and localhost. */
  caFile: string
  username: string
  password: string
  mechanisms: ('plain' | 'scram-sha-512')[]
}

const username = 'millrace'
const password = 'millrace-test'

export async function secure(dir: string, port: number) {
  await makeCertificates(dir)
  const address = `127.0.0.1:${port}`
  const login = (module: string, more: string) => `org.apache.kafka.common.security.${module} required${more};`
  const listener = 'listener.name.sasl_ssl'
  return {
    security: { address, caFile: join(dir, 'ca.pem'), username, password, mechanisms: ['plain', 'scram-sha-512'] } as Security,
    scramUser: `SCRAM-SHA-512=[name=${username},password=${password}]`,
    settings: {
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      [`${listener}.plain.sasl.jaas.config`]: login('plain.PlainLoginModule', ` user_${username}="${password}"`),
      [`${listener}.scram-sha-512.sasl.jaas.config`]: login('scram.ScramLoginModule', ''),
      [`${listener}.ssl.keystore.type`]: 'PEM',
      [`${listener}.ssl.keystore.location`]: join(dir, 'broker.pem'),
      [`${listener}.ssl.truststore.type`]: 'PEM',
      [`${listener}.ssl.truststore.location`]: join(dir, 'ca.pem'),
    },
  }
}

async function makeCertificates(dir: string): Promise<void> {
  if (existsSync(join(dir, 'broker.pem'))) return
  const openssl = needs('openssl', 'Install the package openssl.')
  const at = (name: string) => join(dir, name)
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2']
  await run(openssl, [
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=Millrace test authority',
    '-keyout',
    at('ca-key.pem'),
    '-out',
    at('ca.pem'),
  ])
  await run(openssl, ['req', ...key.slice(0, 3), '-subj', '/CN=localhost', '-keyout', at('key.pem'), '-out', at('request.pem')])
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  const authority = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem'), '-CAcreateserial', '-days', '2', '-extfile', at('names')]
  await run(openssl, ['x509', '-req', '-in', at('request.pem'), ...authority, '-out', at('certificate.pem')])
  // Kafka wants the key first and the chain after it, in one file.
  writeFileSync(at('broker.pem'), ['key.pem', 'certificate.pem', 'ca.pem'].map((name) => readFileSync(at(name), 'utf8')).join(''))
}
