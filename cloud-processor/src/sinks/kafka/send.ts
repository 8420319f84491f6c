/**
 * Sends messages in order, in batches. A batch that the broker refuses because of one message is halved until that one is alone;
 * the halves before it are written again only when the whole is repeated.
 */
import { type Connection, Unfit } from './connection.ts'
import type { Message } from './message.ts'

/** Of a message beside its key, value and headers: lengths and offsets of the record format. */
const overheadBytes = 32

/** Why a message was refused, by message. @throws MillraceError STORE_WRITE */
export async function sendAll(
  messages: Message[],
  { connection, topic, batchBytesMax }: { connection: Pick<Connection, 'send'>; topic: string; batchBytesMax: number },
): Promise<Map<Message, string>> {
  const refused = new Map<Message, string>()
  const sendOrHalve = async (batch: Message[]): Promise<void> => {
    try {
      await connection.send(topic, batch)
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      if (batch.length === 1) {
        refused.set(batch[0]!, error.message)
        return
      }
      const half = batch.length >> 1
      await sendOrHalve(batch.slice(0, half))
      await sendOrHalve(batch.slice(half))
    }
  }
  let batch: Message[] = []
  let batchBytes = 0
  const flush = async () => {
    if (batch.length > 0) await sendOrHalve(batch)
    batch = []
    batchBytes = 0
  }
  for (const message of messages) {
    const bytes = bytesOf(message)
    if (bytes > batchBytesMax) {
      refused.set(message, `${bytes} bytes are more than batchBytesMax`)
      continue
    }
    if (batchBytes + bytes > batchBytesMax) await flush()
    batch.push(message)
    batchBytes += bytes
  }
  await flush()
  return refused
}

function bytesOf({ key, value, headers }: Message): number {
  let bytes = overheadBytes + Buffer.byteLength(key) + Buffer.byteLength(value)
  for (const [name, text] of Object.entries(headers)) bytes += name.length + Buffer.byteLength(text) + 4
  return bytes
}
