import { createServer } from 'node:net'

/** The first of these ports that is free on loopback, else any free one. */
export async function freePort(...wanted: number[]): Promise<number> {
  for (const port of [...wanted, 0]) {
    const found = await tryPort(port)
    if (found !== undefined) return found
  }
  throw new Error('no free port on 127.0.0.1')
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const { port: found } = server.address() as { port: number }
      server.close(() => resolve(found))
    })
  })
}
