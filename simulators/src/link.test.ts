import { connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { type Link, openLink } from './link.ts'
import { openReader, sleep, until } from './ports/test-reader.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanUp.splice(0)) await each()
})

/** An echo behind a link. */
async function open(): Promise<Link> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const link = await openLink({ host: '127.0.0.1', port: (server.address() as { port: number }).port })
  cleanUp.push(() => link.close())
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return link
}

it('carries bytes both ways, and nothing after a cut until it is mended', async () => {
  const link = await open()
  const address = { kind: 'tcp', host: '127.0.0.1', port: link.port } as const
  const first = openReader(address)
  first.write(Buffer.from('hello'))
  await until(() => first.bytes().toString() === 'hello')
  link.cut()
  await until(() => first.ended())
  const refused = openReader(address)
  await until(() => refused.ended())
  link.mend()
  const second = openReader(address)
  second.write(Buffer.from('again'))
  await until(() => second.bytes().toString() === 'again')
  second.close()
})

it('a silent cut keeps the connection and holds its bytes', async () => {
  const link = await open()
  const reader = openReader({ kind: 'tcp', host: '127.0.0.1', port: link.port })
  reader.write(Buffer.from('a'))
  await until(() => reader.bytes().length === 1)
  link.cut('silent')
  reader.write(Buffer.from('b'))
  await sleep(100)
  expect(reader.bytes().toString()).toBe('a')
  expect(reader.ended()).toBe(false)
  link.mend()
  await until(() => reader.bytes().toString() === 'ab')
  reader.close()
})

it('an end that goes takes the other along', async () => {
  const link = await open()
  const socket = connect(link.port, '127.0.0.1')
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.end()
  await closed
})
