/** What stands in front of a search engine in production: TLS, and a user with a password. The engines of the tests have neither. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface TlsFront {
  address: string
  caFile: string
  passwordFile: string
  /** Takes this password from now on, and no other; the file is the client's business. */
  setPassword(password: string): void
  close(): Promise<void>
}

/** User `millrace`. @throws Error where there is no openssl. */
export async function startTlsFront(behind: string, dir: string): Promise<TlsFront> {
  const [keyFile, caFile] = [join(dir, 'front-key.pem'), join(dir, 'front.pem')]
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', [...kind, ...names, '-keyout', keyFile, '-out', caFile], { stdio: 'ignore' })
  let password = 'first'
  const expected = () => `Basic ${Buffer.from(`millrace:${password}`).toString('base64')}`
  const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(caFile) }, (from, to) => {
    if (from.headers.authorization !== expected()) {
      to.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"Unauthorized"}')
      return
    }
    const { authorization: _, ...headers } = from.headers
    const onwards = request(`${behind}${from.url}`, { method: from.method, headers }, (answer) => {
      to.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(to)
    })
    onwards.on('error', () => to.destroy())
    from.pipe(onwards)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const passwordFile = join(dir, 'password')
  writeFileSync(passwordFile, `${password}\n`)
  return {
    address: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caFile,
    passwordFile,
    setPassword: (next) => {
      password = next
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
