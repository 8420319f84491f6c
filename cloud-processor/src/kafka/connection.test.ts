import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Reader, Writer } from '@platformatic/kafka'
import { afterEach, expect, test } from 'vitest'
import { kafkaLogSchema } from '../log/kafka/config.ts'
import { makeClient } from '../log/kafka/connect.ts'
import { kafkaSinkSchema } from '../sinks/kafka/config.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

test('what reaches a Kafka for the log reaches it for the sink, and what is wrong for one is wrong for both', () => {
  const isTaken = (given: object) => [
    kafkaLogSchema.safeParse(given).success,
    kafkaSinkSchema.safeParse({ ...given, kind: 'kafka', topics: { readings: 'r' } }).success,
  ]
  for (const right of [
    { brokers: ['[::1]:9092'], clientId: 'c', requestMs: 600 },
    { tls: { caFile: 'a', certFile: 'b', keyFile: 'c', serverName: 'd' } },
    { sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' } },
    { sasl: { username: 'u', passwordFile: 'f' } },
  ])
    expect(isTaken(right), JSON.stringify(right)).toEqual([true, true])
  for (const wrong of [{ brokers: ['no port'] }, { sasl: { username: 'u' } }, { tls: { unknown: 1 } }, { requestMs: 1 }])
    expect(isTaken(wrong), JSON.stringify(wrong)).toEqual([false, false])
})

test('a password that changed in its file is sent at the next connection', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  ends.push(() => rmSync(dir, { recursive: true }))
  const passwordFile = join(dir, 'password')
  const { port, passwords } = await listen()
  writeFileSync(passwordFile, 'first\n')
  const sasl = { mechanism: 'PLAIN', username: 'u', passwordFile }
  const client = makeClient(kafkaLogSchema.parse({ brokers: [`127.0.0.1:${port}`], sasl, requestMs: 500 }), () => {})
  await expect(client.topics(['t'])).rejects.toThrow()
  writeFileSync(passwordFile, 'second\n')
  await expect(client.topics(['t'])).rejects.toThrow()
  await client.close()
  expect(passwords).toEqual(['first', 'second'])
})

/** A broker as far as its login, which it answers by closing. */
async function listen() {
  const passwords: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (request) => answer(socket, request, passwords))
  })
  ends.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, passwords }
}

function answer(socket: Socket, request: Buffer, passwords: string[]): void {
  const reader = Reader.from(request.subarray(4))
  const key = reader.readInt16()
  reader.skip(2)
  const head = Writer.create().appendInt32(reader.readInt32())
  if (key === 17) socket.write(head.appendInt16(0).appendInt32(1).appendString('PLAIN', false).prependLength().buffer)
  else if (key === 18) socket.write(head.appendInt16(35).appendInt32(0).prependLength().buffer)
  else {
    passwords.push(request.toString('latin1').split('\0').at(-2) ?? '')
    socket.destroy()
  }
}
