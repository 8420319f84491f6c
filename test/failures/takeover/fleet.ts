/**
 * Edge nodes with many devices, as the processors see them: births, batches under their names, and everything sent again until
 * it is receipted. One MQTT connection for all; values as a test orders them.
 */
import { randomBytes } from 'node:crypto'
import { type Channel, formatBatchName, nodeMetrics, parseReceipt } from '@millrace/contract'
import { declare, decodePayload, encodeBatch, encodeDeviceBirth, encodeNodeBirth } from '@millrace/contract/sparkplug'
import { connect, type MqttClient } from 'mqtt'
import { until } from '../../support/until.ts'

export const group = 'takeover'
const channel: Channel = { name: 'v', kind: 'number', datatype: 'Int32', unit: '1' }

export interface Device {
  id: string
  node: string
}

export interface Fleet {
  devices: Device[]
  /** Declares every device and sends it so many readings; resolves when all of it was receipted. */
  fill(readingsEach: number): Promise<void>
  /** One reading, made now. */
  send(device: Device, value: number): void
  unreceipted(): number
  close(): Promise<void>
}

const nodes = 10
/** Sent again when there was no receipt for this long. */
const againMs = 1000
const unreceiptedMax = 2000

export async function openFleet(url: string, user: { username: string; password: string }, count: number): Promise<Fleet> {
  const client = await connected(url, user)
  const devices = Array.from({ length: count }, (_, k): Device => ({ id: `device-${k}`, node: `node-${k % nodes}` }))
  const indexOf = new Map(devices.map(({ id }, k) => [id, k]))
  const stream = randomBytes(8).toString('hex')
  const numbers = new Map<string, number>()
  /** By receipt name. */
  const waiting = new Map<string, { topic: string; payload: Buffer; sentMs: number }>()
  client.on('message', (_topic, payload) => {
    const value = decodePayload(payload).metrics.find(({ name }) => name === nodeMetrics.receipt)?.value
    const receipt = typeof value === 'string' ? parseReceipt(value) : undefined
    for (const id of receipt?.births ?? []) waiting.delete(id)
    for (const [of, ranges] of receipt?.got ?? [])
      for (const [first, last] of ranges) for (let n = first; n <= last; n++) waiting.delete(`${of}/${n}`)
  })
  await client.subscribeAsync(`spBv1.0/${group}/NCMD/+`, { qos: 1 })
  const again = setInterval(() => {
    const now = performance.now()
    for (const one of waiting.values()) {
      if (now - one.sentMs < againMs) continue
      one.sentMs = now
      client.publish(one.topic, one.payload)
    }
  }, 100)

  function publish(name: string, topic: string, payload: Uint8Array): void {
    // The encoder gives out its own buffer.
    const one = { topic, payload: Buffer.from(payload), sentMs: performance.now() }
    waiting.set(name, one)
    client.publish(one.topic, one.payload)
  }

  function send({ id, node }: Device, value: number): void {
    const number = (numbers.get(node) ?? 0) + 1
    numbers.set(node, number)
    const of = `${stream}${node.slice(5)}`
    const payload = encodeBatch({
      name: formatBatchName({ stream: of, number, count: 1 }),
      columns: { channels: { v: { t: [Date.now()], v: [value] } }, waves: {} },
      aliasOf: () => indexOf.get(id)! + 1,
      datatypeOf: () => 'Int32',
      timestamp: Date.now(),
      seq: number % 256,
      historical: false,
    })
    publish(`${of}/${number}`, `spBv1.0/${group}/DDATA/${node}/${id}`, payload)
  }

  function declareOne({ id, node }: Device, k: number): void {
    const declaration = declare(id, [{ alias: k + 1, channel }])
    const payload = encodeDeviceBirth(declaration, { timestamp: Date.now(), seq: k % 256 })
    publish(declaration.id, `spBv1.0/${group}/DBIRTH/${node}/${id}`, payload)
  }

  /** As fast as the receipts come. */
  async function eachDevice(what: string, call: (device: Device, k: number) => void): Promise<void> {
    for (const [k, device] of devices.entries()) {
      call(device, k)
      if (k % 100 !== 99) continue
      const hasRoom = () => waiting.size < unreceiptedMax
      await until(`${what}: receipts`, hasRoom, { withinMs: 60_000, everyMs: 10 })
    }
    await until(`${what}: all receipted`, () => waiting.size === 0, { withinMs: 120_000 })
  }

  return {
    devices,
    async fill(readingsEach) {
      for (const node of new Set(devices.map((device) => device.node)))
        client.publish(`spBv1.0/${group}/NBIRTH/${node}`, Buffer.from(encodeNodeBirth({ bdSeq: 0, timestamp: Date.now() })))
      await eachDevice('births', declareOne)
      for (let k = 0; k < readingsEach; k++) await eachDevice('readings', (device) => send(device, k))
    },
    send,
    unreceipted: () => waiting.size,
    async close() {
      clearInterval(again)
      await client.endAsync(true)
    },
  }
}

async function connected(url: string, user: { username: string; password: string }): Promise<MqttClient> {
  const client = connect(url, { ...user, clientId: 'takeover-fleet', queueQoSZero: false, reconnectPeriod: 200 })
  await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject))
  return client
}
