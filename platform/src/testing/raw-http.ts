/** For tests: bytes of HTTP as no library sends them. */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Everything that is answered until the server ends the connection. */
export function answerTo(port: number, bytes: string, withTls = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = withTls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)))
    socket.on('close', () => resolve(text))
    socket.write(bytes)
  })
}

/** How long it takes the server to end a connection on which only these bytes come. */
export async function msUntilCut(port: number, bytes: string): Promise<number> {
  const startMs = performance.now()
  await answerTo(port, bytes)
  return performance.now() - startMs
}
