/** A small page for machines, on loopback only: `/health` is JSON, `/metrics` Prometheus text. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MillraceError } from '@millrace/contract/service'

export interface Health {
  port: number
  close(): Promise<void>
}

/** @throws MillraceError PROCESS_PORT_IN_USE */
export async function serveHealth(port: number, pages: { health(): unknown; metrics(): string }): Promise<Health> {
  const server = createServer((request, response) => {
    if (request.url === '/health')
      response.setHeader('content-type', 'application/json').end(`${JSON.stringify(pages.health())}\n`)
    else if (request.url === '/metrics') response.setHeader('content-type', 'text/plain; version=0.0.4').end(pages.metrics())
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new MillraceError('PROCESS_PORT_IN_USE', { port }, error) : error)
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
