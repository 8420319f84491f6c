/** The agent answers `millrace-agent status` on a Unix socket in its data folder, which only its own user can reach. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import type { Metrics } from '@millrace/platform'

const socketName = 'agent.sock'

export function serveStatus(dataDir: string, status: () => unknown, metrics: Metrics): () => void {
  const path = join(dataDir, socketName)
  rmSync(path, { force: true })
  const server = createServer((req, res) => {
    if (req.url === '/metrics') return res.end(metrics.expose())
    res.setHeader('content-type', 'application/json')
    return res.end(JSON.stringify(status()))
  })
  server.listen(path, () => chmodSync(path, 0o600))
  return () => server.close()
}

/** Asks a running agent. Rejects when none answers there. */
export function askStatus(dataDir: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: join(dataDir, socketName), path: '/' }, (res) => {
      let body = ''
      res.on('data', (chunk) => {
        body += chunk
      })
      res.on('end', () => resolve(body))
    })
    asking.on('error', reject).setTimeout(3000, () => asking.destroy(new Error('no answer')))
    asking.end()
  })
}
