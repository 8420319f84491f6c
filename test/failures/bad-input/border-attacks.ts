/** At the broker's border: who may not come in, and who may not do what. */
import { encodePayload } from '@millrace/contract/sparkplug'
import { endOf, readTopic } from '../../support/log-pages.ts'
import { connectPacket, type Greeting, openRaw, publishPacket, subscribePacket } from '../../support/mqtt-bytes.ts'
import { type Attack, type Field, randomBytes, refused } from './attack.ts'
import { group, node, passwords } from './system.ts'

const evil = { clientId: 'evil', username: 'evil', password: passwords.evil }
const foreignTopic = `spBv1.0/${group}/DDATA/${node}/oximeter-1`
const times = 5

export const borderAttacks: Attack[] = [
  greeting('wrong password', 'bad-credentials', 4, { clientId: 'x', username: 'gateway', password: 'guess' }),
  greeting('unknown user', 'bad-credentials', 4, { clientId: 'x', username: 'root', password: 'root' }),
  greeting('anonymous', 'anonymous', 5, { clientId: 'x' }),
  greeting("another user's client id", 'client-id-taken', 2, { ...evil, clientId: 'millrace-processor' }),
  greeting("a will on another node's topic", 'will-forbidden', 5, { ...evil, will: { topic: foreignTopic, payload: 'gone' } }),
  greeting("a will that is another node's death", 'will-forbidden', 5, {
    ...evil,
    will: { topic: `spBv1.0/${group}/NDEATH/${node}`, payload: 'gone' },
  }),
  publishing("writing another node's data", foreignTopic),
  publishing("writing another node's death", `spBv1.0/${group}/NDEATH/${node}`),
  publishing('forging a receipt', `spBv1.0/${group}/NCMD/${node}`),
  publishing('forging the host state', 'spBv1.0/STATE/millrace'),
  {
    name: "reading everybody's data",
    sends: `SUBSCRIBE spBv1.0/#, # and another node's commands`,
    run: (field) =>
      refused(field, 'subscribe-forbidden', 3, async () => {
        const answers: string[] = []
        for (const filter of ['spBv1.0/#', '#', `spBv1.0/${group}/NCMD/${node}`]) {
          const raw = await openRaw(field.system.ports.mqtt)
          raw.socket.write(connectPacket(evil))
          await raw.receive(4)
          raw.socket.write(subscribePacket(filter))
          answers.push(`0x${(await raw.receive(5))[4]!.toString(16)}`)
          raw.socket.destroy()
        }
        return `${answers.every((code) => code === '0x80') ? '' : 'WRONG '}SUBACK ${answers.join(' ')}`
      }),
  },
  {
    name: 'a message of 10 MB',
    sends: '10 MiB PUBLISH under its own topic, 3 times',
    run: (field) =>
      refused(field, 'packet-too-large', 3, async () => {
        let closed = 0
        for (let k = 0; k < 3; k++) {
          const raw = await openRaw(field.system.ports.mqtt)
          raw.socket.write(connectPacket(evil))
          await raw.receive(4)
          raw.socket.write(publishPacket(`spBv1.0/${group}/DDATA/evil/evil-1`, Buffer.alloc(10 * 1_048_576, 7)))
          if ((await raw.untilClosed()).isClosed) closed++
        }
        return `${closed === 3 ? '' : 'WRONG '}connection closed ${closed} times of 3`
      }),
  },
  {
    name: 'four sockets flood before authentication',
    sends: 'endless CONNECTs, rubbish, wrong passwords, as fast as they are taken',
    run: (field) => refused(field, 'connect-too-large', 1, () => flood(field, field.isQuick ? 4000 : 15_000)),
  },
  {
    name: 'random bytes to the broker',
    sends: 'half of them after a good CONNECT',
    async run(field) {
      const rounds = field.isQuick ? 60 : 300
      let closed = 0
      for (let k = 0; k < rounds; k++) {
        const raw = await openRaw(field.system.ports.mqtt)
        if (k % 2) {
          raw.socket.write(connectPacket(evil))
          await raw.receive(4)
        }
        raw.socket.write(randomBytes(field, 1 + Math.floor(field.random() * 300)))
        raw.socket.end()
        if ((await raw.untilClosed()).isClosed) closed++
      }
      return { isHeld: closed === rounds, outcome: `${closed} of ${rounds} connections closed`, counter: 'broker, by reason' }
    },
  },
]

function greeting(name: string, reason: string, code: number, who: Greeting): Attack {
  return {
    name,
    sends: `CONNECT, ${times} times`,
    run: (field) =>
      refused(field, reason, times, async () => {
        const codes = new Set<number>()
        for (let k = 0; k < times; k++) {
          const raw = await openRaw(field.system.ports.mqtt)
          raw.socket.write(connectPacket(who))
          codes.add((await raw.receive(4))[3]!)
          await raw.untilClosed()
        }
        return `${codes.size === 1 && codes.has(code) ? '' : 'WRONG '}CONNACK ${[...codes].join(' ')}`
      }),
  }
}

function publishing(name: string, topic: string): Attack {
  return {
    name,
    sends: `PUBLISH ${topic}, ${times} times`,
    run: (field) =>
      refused(field, 'publish-forbidden', times, async () => {
        const { api, ports } = field.system
        const from = await endOf(api, 'raw')
        let closed = 0
        for (let k = 0; k < times; k++) {
          const raw = await openRaw(ports.mqtt)
          raw.socket.write(connectPacket(evil))
          await raw.receive(4)
          raw.socket.write(publishPacket(topic, forged))
          if ((await raw.untilClosed()).isClosed) closed++
        }
        const passed = (await readTopic(api, 'raw', from)).filter(
          ({ record }) => record.payloadBase64 === forged.toString('base64'),
        )
        return `${closed === times && passed.length === 0 ? '' : 'WRONG '}connection closed; ${passed.length} came through`
      }),
  }
}

const forged = Buffer.from(
  encodePayload({ timestamp: 1, seq: 0, metrics: [{ alias: 1, timestamp: 1, datatype: 'Int16', value: 13 }] }),
)

/** Four at a time: CONNECTs of the greatest size that never end, ones said to be larger, wrong passwords, and no CONNECT at all. */
async function flood({ system }: Field, ms: number): Promise<string> {
  const endMs = performance.now() + ms
  const rubbish = Buffer.alloc(65_536, 0x30)
  const heads = [
    Buffer.of(0x10, 0xfd, 0x3f),
    Buffer.of(0x10, 0xff, 0xff, 0xff, 0x7f),
    connectPacket({ clientId: 'x', username: 'x', password: 'y' }),
    rubbish,
  ]
  let connections = 0
  let bytes = 0
  const one = async (head: Buffer) => {
    while (performance.now() < endMs) {
      const { socket } = await openRaw(system.ports.mqtt)
      connections++
      socket.write(head)
      const stopMs = performance.now() + 200
      while (!socket.destroyed && performance.now() < Math.min(endMs, stopMs)) {
        if (socket.writableLength < 1_048_576) socket.write(rubbish)
        await new Promise((resolve) => setImmediate(resolve))
      }
      bytes += socket.bytesWritten
      socket.destroy()
    }
  }
  await Promise.all(heads.map(one))
  return `${connections} connections cut off, ${Math.round(bytes / 1e6)} MB offered in ${ms / 1000} s`
}
