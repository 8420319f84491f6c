/** A real HTTP server on loopback that keeps what it is sent, and answers as it is told. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Message {
  key: string
  headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: whatever was posted
  body: any
}

export async function startReceiver(answer: (message: Message, response: ServerResponse) => void = (_, r) => r.end()) {
  const messages: Message[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const message = {
      key: `${request.headers['idempotency-key']}`,
      headers: request.headers,
      body: JSON.parse(`${Buffer.concat(chunks)}`),
    }
    messages.push(message)
    answer(message, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    messages,
    keys: () => messages.map(({ key }) => key),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
