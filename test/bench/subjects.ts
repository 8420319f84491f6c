/**
 * What is measured, each as a process of its own: `node test/bench/subjects.ts <subject> <json>`.
 *
 *   bare       a Node script: mqtt.js, every message appended to a file, one fdatasync for what came together
 *   log        the bridge alone: MQTT to durable log, with receipts
 *   kafka      the same, to Kafka
 *   processor  everything: bridge, prepare, rules, store
 *
 * Of plain devices with QoS 1, each says how many messages it has taken:
 *
 *   bare plain   mqtt.js, which counts each message
 *   plain        the bridge alone: PUBACK after the durable append to the log
 *   plain kafka  the same, to Kafka
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bridge, bridgeSchema, connectTransport, startBridge } from '@millrace/cloud-processor/bridge'
import { type KafkaLogOptions, openEmbeddedLog, openKafkaLog } from '@millrace/cloud-processor/log'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { connect } from 'mqtt'

interface Context {
  url: string
  dir: string
  username?: string
  password?: string
  /** Configuration of the log on Kafka. */
  log?: { kind: string } & KafkaLogOptions
}

const [subject, json] = process.argv.slice(2)
const context = JSON.parse(json ?? '{}') as Context

if (subject === 'bare') await bare(context)
else if (subject === 'log' || subject === 'kafka') await log(subject, context)
else if (subject === 'bare plain') await barePlain(context)
else if (subject === 'plain' || subject === 'plain kafka') await plain(subject, context)
else throw new Error(`unknown subject ${subject}`)
process.stdout.write('ready\n')

async function bare({ url, dir, username, password }: Context): Promise<void> {
  const file = await open(join(dir, 'messages.bin'), 'a')
  const client = connect(url, { ...(username ? { username } : {}), ...(password ? { password } : {}) })
  let waiting: Uint8Array[] = []
  let isWriting = false
  const write = async () => {
    if (isWriting) return
    isWriting = true
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      await file.writev(group)
      await file.datasync()
    }
    isWriting = false
  }
  client.on('message', (_topic, payload) => {
    waiting.push(payload)
    void write()
  })
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  await client.subscribeAsync('spBv1.0/#', { qos: 0 })
}

async function log(subject: string, context: Context): Promise<void> {
  await bridge(context, subject === 'kafka', [])
}

async function plain(subject: string, context: Context): Promise<void> {
  const running = await bridge(context, subject === 'plain kafka', ['lab/#'])
  sayTaken(() => running.status().appended)
}

async function barePlain({ url }: Context): Promise<void> {
  let taken = 0
  const client = connect(url, { clean: false, clientId: 'bare' })
  client.on('message', () => taken++)
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  await client.subscribeAsync('lab/#', { qos: 1 })
  sayTaken(() => taken)
}

function sayTaken(count: () => number): void {
  setInterval(() => process.stdout.write(`taken ${count()}\n`), 250)
}

async function bridge({ url, dir, username, password, log }: Context, isOnKafka: boolean, plain: string[]): Promise<Bridge> {
  const metrics = createMetrics()
  const config = bridgeSchema.parse({ url, plain, ...(username ? { username } : {}), ...(password ? { password } : {}) })
  const { kind: _, ...onKafka } = log!
  const eventLog = isOnKafka
    ? await openKafkaLog(onKafka, { log: silentLog, metrics })
    : await openEmbeddedLog({ path: join(dir, 'log.sqlite') }, { log: silentLog, metrics })
  const transport = connectTransport(config, { clock: systemClock, logger: silentLog })
  const running = startBridge(config, {
    log: eventLog,
    transport,
    clock: systemClock,
    logger: silentLog,
    metrics,
    lagMs: () => 0,
  })
  running.lead()
  while (!transport.connected()) await new Promise((resolve) => setTimeout(resolve, 20))
  await new Promise((resolve) => setTimeout(resolve, 200))
  return running
}
