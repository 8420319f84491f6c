/**
 * An MQTT 3.1.1 client that subscribes and then never reads its socket again, as a host does whose process was stopped. Made
 * of bytes, because a library would go on reading.
 */
import { connect, type Socket } from 'node:net'

/** Resolves, frozen, when the broker has granted the subscription. Destroy the socket to end it. */
export async function freezeSubscriber(to: {
  port: number
  username: string
  password: string
  clientId: string
  filter: string
}): Promise<Socket> {
  const socket = connect(to.port, '127.0.0.1')
  const answers = reader(socket)
  const flags = 0b1100_0010 // user, password, clean session
  const header = Buffer.concat([field('MQTT'), Buffer.of(4, flags, 0, 0)])
  socket.write(packet(0x10, header, field(to.clientId), field(to.username), field(to.password)))
  const [connack] = await answers(4)
  if (connack !== 0x20) throw new Error('no CONNACK')
  socket.write(packet(0x82, Buffer.of(0, 1), field(to.filter), Buffer.of(0)))
  const suback = await answers(5)
  if (suback[0] !== 0x90 || suback[4] === 0x80) throw new Error('no subscription')
  socket.pause()
  return socket
}

function packet(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : [(body.length % 128) | 0x80, Math.floor(body.length / 128)]
  return Buffer.concat([Buffer.of(type, ...length), body])
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

/** Reads so many bytes at a time; rejects when the socket ends before or says nothing for 5 s. */
function reader(socket: Socket): (bytes: number) => Promise<Buffer> {
  socket.on('error', () => {})
  return (bytes) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => fail('no answer'), 5000)
      const fail = (why: string) => {
        clearTimeout(late)
        socket.destroy()
        reject(new Error(why))
      }
      const take = () => {
        const found = socket.read(bytes) as Buffer | null
        if (!found) return
        clearTimeout(late)
        socket.off('readable', take)
        resolve(found)
      }
      socket.once('close', () => fail('closed'))
      socket.on('readable', take)
      take()
    })
}
