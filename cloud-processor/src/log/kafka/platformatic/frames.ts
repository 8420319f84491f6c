/**
 * Requests of the hot path on a connection of the library: one buffer out, one in. The library's own way makes some thirty objects
 * and buffers for each request, which is most of what a small one costs. It still connects, encrypts and logs in; its requests
 * and ours share the socket, told apart by the correlation id.
 *
 *     request     length INT32, api_key INT16, api_version INT16, correlation_id INT32, client_id STRING, tags; body
 *     answer      length INT32, correlation_id INT32, tags; body
 */
import type { Connection } from '@platformatic/kafka'
import { KafkaFailure } from '../client.ts'
import { createFields, type Fields } from './fields.ts'

/** Our correlation ids; the library counts up from 1. */
const ours = 0x40000000
/** Above this a second write costs less than the copy. */
const copyBytesMax = 16 << 10

export interface Frames {
  /** `body` follows the head that `headOf` made; large pieces are not copied. @throws KafkaFailure NO_ANSWER */
  ask(api: { key: number; version: number }, body: Buffer[]): Promise<Fields>
}

interface Asked {
  resolve(answer: Fields): void
  reject(error: KafkaFailure): void
  timeout: NodeJS.Timeout
}

export function createFrames(connection: Connection, clientId: string, requestMs: number): Frames {
  const socket = connection.socket
  const asked = new Map<number, Asked>()
  const name = Buffer.from(clientId)
  let last = 0
  let isClosed = false

  const theirs = socket.listeners('data') as ((bytes: Buffer) => void)[]
  socket.removeAllListeners('data')
  socket.on(
    'data',
    createSplitter((frame) => {
      const id = frame.readInt32BE(4)
      if (id < ours) for (const listener of theirs) listener.call(socket, frame)
      else answer(id, frame)
    }),
  )
  connection.once('close', () => {
    isClosed = true
    for (const { reject, timeout } of asked.values()) {
      clearTimeout(timeout)
      reject(new KafkaFailure('NO_ANSWER', true, 'the connection closed'))
    }
    asked.clear()
  })

  function answer(id: number, frame: Buffer): void {
    const request = asked.get(id)
    if (!request) return
    asked.delete(id)
    clearTimeout(request.timeout)
    const fields = createFields(frame, 8)
    fields.tags()
    request.resolve(fields)
  }

  function head({ key, version }: { key: number; version: number }, id: number, bodyBytes: number): Buffer {
    const head = Buffer.allocUnsafe(15 + name.length)
    head.writeInt32BE(head.length - 4 + bodyBytes, 0)
    head.writeInt16BE(key, 4)
    head.writeInt16BE(version, 6)
    head.writeInt32BE(id, 8)
    head.writeInt16BE(name.length, 12)
    name.copy(head, 14)
    head[head.length - 1] = 0
    return head
  }

  return {
    ask(api, body) {
      if (isClosed) return Promise.reject(new KafkaFailure('NO_ANSWER', true, 'the connection closed'))
      last = (last + 1) % ours
      const id = ours + last
      let bytes = 0
      for (const piece of body) bytes += piece.length
      const pieces = [head(api, id, bytes), ...body]
      return new Promise((resolve, reject) => {
        const timeout = setTimeout(() => {
          asked.delete(id)
          reject(new KafkaFailure('NO_ANSWER', true, `no answer within ${requestMs} ms`))
          // What is behind it on this connection will not come either.
          socket.destroy()
        }, requestMs)
        asked.set(id, { resolve, reject, timeout })
        if (bytes <= copyBytesMax) return void socket.write(Buffer.concat(pieces))
        socket.cork()
        for (const piece of pieces) socket.write(piece)
        socket.uncork()
      })
    },
  }
}

/** Calls with each whole frame, its length included. Exported for its test. */
export function createSplitter(see: (frame: Buffer) => void): (bytes: Buffer) => void {
  let waiting: Buffer[] = []
  let have = 0
  /** Of the frame that is coming; 4 until its length is known. */
  let wanted = 4
  return (bytes) => {
    waiting.push(bytes)
    have += bytes.length
    if (have < wanted) return
    let all = waiting.length === 1 ? bytes : Buffer.concat(waiting, have)
    while (all.length >= 4) {
      wanted = 4 + all.readInt32BE(0)
      if (all.length < wanted) break
      see(all.subarray(0, wanted))
      all = all.subarray(wanted)
      wanted = 4
    }
    waiting = all.length === 0 ? [] : [all]
    have = all.length
  }
}
