/** What a hostile source does beside a healthy one. Each says how many messages it sent. */
import { encodePayload, formatTopic } from '@millrace/contract/sparkplug'
import { asLevel, hostileNames } from '@millrace/platform/testing/hostile-names'
import mqtt, { type MqttClient } from 'mqtt'

export interface Hostile {
  client: MqttClient
  isOver(): boolean
}

export async function connectHostile(url: string, username: string, password: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { username, password, reconnectPeriod: 100 })
  client.on('error', () => {})
  return client
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Every hostile name as a channel, and as a device, of a foreign node. */
export async function nameThings({ client, isOver }: Hostile): Promise<number> {
  const ids = { group: 'g', node: 'hostile' }
  let sent = 0
  const put = (topic: string, payload: Uint8Array) => {
    sent++
    client.publish(topic, Buffer.from(payload))
  }
  while (!isOver()) {
    const timestamp = Date.now()
    const born = { name: 'bdSeq', timestamp, datatype: 'Int64' as const, value: 0 }
    put(formatTopic({ ...ids, type: 'NBIRTH' }), encodePayload({ timestamp, seq: 0, metrics: [born] }))
    const channels = hostileNames.map((name, alias) => ({ name, alias, timestamp, datatype: 'Double' as const, value: 1 }))
    let seq = 1
    const devices = ['channels', ...hostileNames.filter(asLevel)]
    for (const device of devices)
      put(formatTopic({ ...ids, type: 'DBIRTH', device }), encodePayload({ timestamp, seq: seq++ % 256, metrics: channels }))
    for (let turn = 0; turn < 5 && !isOver(); turn++) {
      for (const device of devices) {
        const metrics = channels.map(({ alias }) => ({ alias, timestamp: Date.now(), datatype: 'Double' as const, value: turn }))
        put(formatTopic({ ...ids, type: 'DDATA', device }), encodePayload({ timestamp: Date.now(), seq: seq++ % 256, metrics }))
      }
      await pause(200)
    }
  }
  return sent
}

/** Every hostile name as a device of the payload and as a level of the topic. */
export async function namePlain({ client, isOver }: Hostile): Promise<number> {
  let sent = 0
  while (!isOver()) {
    for (const name of hostileNames.filter(asLevel)) {
      client.publish(`open/${name}/state`, JSON.stringify({ spo2: 50 }))
      client.publish(`${name}/state`, JSON.stringify({ spo2: 50 }))
      sent += 2
    }
    client.publish('open/lines', hostileNames.map((name) => `m,host=${name.replace(/[\s,=\\]/g, '_') || '_'} spo2=50`).join('\n'))
    await pause(100)
  }
  return sent
}

/** A device that nobody has heard of in every message, each with a value that raises an alarm of high priority. */
export async function inventDevices({ client, isOver }: Hostile): Promise<number> {
  let sent = 0
  while (!isOver()) {
    for (let k = 0; k < 25; k++) client.publish(`open/invented-${sent++}/state`, JSON.stringify({ spo2: 50 }), { qos: 0 })
    await pause(50)
  }
  return sent
}

/** A node with as many devices as it may have, each in alarm. */
export async function inventUnderNode({ client, isOver }: Hostile): Promise<number> {
  const ids = { group: 'g', node: 'hostile' }
  let sent = 0
  let seq = 1
  const put = (topic: string, metrics: object[]) => {
    sent++
    client.publish(topic, Buffer.from(encodePayload({ timestamp: Date.now(), seq: seq++ % 256, metrics } as never)))
  }
  const reading = () => ({ name: 'spo2', alias: 1, timestamp: Date.now(), datatype: 'Double', value: 50 })
  seq = 0
  put(formatTopic({ ...ids, type: 'NBIRTH' }), [{ name: 'bdSeq', timestamp: Date.now(), datatype: 'Int64', value: 1 }])
  for (let k = 0; k < 2500 && !isOver(); k++) {
    put(formatTopic({ ...ids, type: 'DBIRTH', device: `mass-${k}` }), [reading()])
    if (k % 25 === 24) await pause(50)
  }
  for (let k = 0; !isOver(); k++) {
    put(formatTopic({ ...ids, type: 'DDATA', device: `mass-${k % 2500}` }), [
      { ...reading(), name: undefined, value: k % 2 ? 99 : 50 },
    ])
    if (k % 25 === 24) await pause(50)
  }
  return sent
}

/** One device that raises and clears as fast as it can. */
export async function flapAlarm({ client, isOver }: Hostile): Promise<number> {
  let sent = 0
  while (!isOver()) {
    for (let k = 0; k < 25; k++) client.publish('open/flapping/state', JSON.stringify({ spo2: sent++ % 2 ? 99 : 50 }))
    await pause(50)
  }
  return sent
}
