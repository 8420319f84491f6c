/** Receives notifications as a real HTTP server, and keeps every delivery: a repeat is a line of its own. */
import { createServer } from 'node:http'

export interface Delivery {
  atMs: number
  /** The header `Idempotency-Key`, decoded. */
  key: string
  status: string
}

export interface WebhookReceiver {
  url: string
  deliveries: Delivery[]
  close(): Promise<void>
}

/**
 * @param answerMs how long it takes to answer.
 * @param atPort absent: any that is free.
 */
export async function openWebhookReceiver(answerMs = 0, atPort = 0): Promise<WebhookReceiver> {
  const deliveries: Delivery[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text) => {
      body += text
    })
    request.on('end', () => {
      const key = decodeURI(`${request.headers['idempotency-key']}`)
      deliveries.push({ atMs: Date.now(), key, status: JSON.parse(body).status })
      if (answerMs === 0) response.end()
      else setTimeout(() => response.end(), answerMs)
    })
  })
  await new Promise<void>((resolve) => server.listen(atPort, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}/`,
    deliveries,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
