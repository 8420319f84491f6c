/** Whether an engine answers. */
import { connect } from 'node:net'

const answerWithinMs = 2_000

export async function answersHttp(url: string): Promise<boolean> {
  return (await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) })).ok
}

/** Sends `request` and looks at the first bytes that come back. */
export function answersTcp(address: string, request: Uint8Array, isAnswer: (bytes: Buffer) => boolean): Promise<boolean> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) })
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(answerWithinMs, () => finish(false))
    socket.once('connect', () => socket.write(request))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
    socket.once('data', (bytes) => finish(isAnswer(bytes)))
  })
}

/** An MQTT 3.1.1 CONNECT with a clean session and the client id `h`; the answer is a CONNACK with code 0. */
export function answersMqtt(address: string): Promise<boolean> {
  const connectPacket = Uint8Array.of(0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 5, 0, 1, 0x68)
  return answersTcp(address, connectPacket, (bytes) => bytes[0] === 0x20 && bytes[3] === 0)
}
