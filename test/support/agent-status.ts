/** What `millrace-agent status` is told, asked at the agent's own socket. */
import { request } from 'node:http'
import { join } from 'node:path'

export interface AgentStatus {
  devices: Record<string, { isOpen: boolean; lastBytesMs: number; state: string }>
  outbox: { entries: number; bytes: number }
  uplink: { connected: boolean; inFlight: number; sent: number; resent: number; receipted: number; credit: number }
}

/** Undefined while the agent does not answer. */
export function agentStatus(dataDir: string): Promise<AgentStatus | undefined> {
  return new Promise((resolve) => {
    const asking = request({ socketPath: join(dataDir, 'agent.sock'), path: '/' }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      response.on('end', () => resolve(JSON.parse(body)))
    })
    asking.on('error', () => resolve(undefined)).setTimeout(3000, () => asking.destroy())
    asking.end()
  })
}
