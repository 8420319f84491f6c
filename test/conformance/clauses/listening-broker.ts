/** A broker that grants everything, writes down each packet as it came, and sends what a test tells it to: it routes nothing. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface Heard {
  /** Of the fixed header. */
  type: number
  qos: number
  retain: boolean
  /** Of a PUBLISH. */
  topic: string
  /** Of a PUBLISH its payload, of others everything behind the fixed header. */
  body: Buffer
  connection: number
}

export interface ListeningBroker {
  url: string
  heard: Heard[]
  /** To all connections, QoS 0. */
  send(topic: string, payload: Uint8Array): void
  close(): Promise<void>
}

export async function startListening(): Promise<ListeningBroker> {
  const heard: Heard[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    // Else what a test sends waits for the acknowledgement of what it sent before.
    socket.setNoDelay(true)
    const connection = ++connections
    sockets.add(socket)
    let rest = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      for (let size = sizeOf(rest); size !== undefined && size.end <= rest.length; size = sizeOf(rest)) {
        const packet = rest.subarray(0, size.end)
        rest = rest.subarray(size.end)
        heard.push({ ...read(packet[0]!, packet.subarray(size.start)), connection })
        socket.write(answerTo(packet[0]!, packet.subarray(size.start)))
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    send(topic, payload) {
      const name = Buffer.from(topic)
      const body = Buffer.concat([Buffer.of(name.length >> 8, name.length & 255), name, payload])
      for (const socket of sockets) socket.write(Buffer.concat([Buffer.of(0x30, ...varint(body.length)), body]))
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Undefined while the fixed header is not all there. */
function sizeOf(bytes: Buffer): { start: number; end: number } | undefined {
  let length = 0
  for (let at = 1; at < bytes.length; at++) {
    length |= (bytes[at]! & 0x7f) << (7 * (at - 1))
    if (bytes[at]! < 0x80) return { start: at + 1, end: at + 1 + length }
  }
  return undefined
}

function read(first: number, body: Buffer): Omit<Heard, 'connection'> {
  const head = { type: first >> 4, qos: (first >> 1) & 3, retain: (first & 1) === 1 }
  if (head.type !== 3) return { ...head, topic: '', body: Buffer.from(body) }
  const end = 2 + body.readUInt16BE(0)
  return { ...head, topic: body.toString('utf8', 2, end), body: Buffer.from(body.subarray(end + (head.qos > 0 ? 2 : 0))) }
}

function answerTo(first: number, body: Buffer): Buffer {
  const type = first >> 4
  if (type === 1) return Buffer.of(0x20, 2, 0, 0)
  if (type === 8) return suback(body)
  if (type === 12) return Buffer.of(0xd0, 0)
  if (type !== 3 || ((first >> 1) & 3) !== 1) return Buffer.of()
  const at = 2 + body.readUInt16BE(0)
  return Buffer.of(0x40, 2, body[at]!, body[at + 1]!)
}

function suback(body: Buffer): Buffer {
  const granted = filtersIn(body).map(({ qos }) => qos)
  return Buffer.of(0x90, 2 + granted.length, body[0]!, body[1]!, ...granted)
}

/** Of a SUBSCRIBE. */
export function filtersIn(body: Buffer): { filter: string; qos: number }[] {
  const filters: { filter: string; qos: number }[] = []
  for (let at = 2; at < body.length; ) {
    const end = at + 2 + body.readUInt16BE(at)
    filters.push({ filter: body.toString('utf8', at + 2, end), qos: body[end]! })
    at = end + 1
  }
  return filters
}

/** Of a CONNECT with a will. */
export function willIn(body: Buffer): { flags: number; topic: string; payload: Buffer } {
  const texts: Buffer[] = []
  for (let at = 10; at + 2 <= body.length; ) {
    const end = at + 2 + body.readUInt16BE(at)
    texts.push(body.subarray(at + 2, end))
    at = end
  }
  return { flags: body[7]!, topic: `${texts[1] ?? ''}`, payload: texts[2] ?? Buffer.of() }
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]
}
