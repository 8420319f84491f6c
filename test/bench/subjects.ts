/**
 * What is measured, each as a process of its own: `node test/bench/subjects.ts <subject> <json>`.
 *
 *   bare       a Node script: mqtt.js, every message appended to a file, one fdatasync for what came together
 *   log        the bridge alone: MQTT to durable log, with receipts
 *   kafka      the same, to Kafka
 *   processor  everything: bridge, prepare, rules, store
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { bridgeSchema, connectTransport, startBridge } from '@millrace/cloud-processor/bridge'
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

async function log(subject: string, { url, dir, username, password, log }: Context): Promise<void> {
  const metrics = createMetrics()
  const config = bridgeSchema.parse({ url, ...(username ? { username } : {}), ...(password ? { password } : {}) })
  const { kind: _, ...onKafka } = log!
  const eventLog =
    subject === 'kafka'
      ? await openKafkaLog(onKafka, { log: silentLog, metrics })
      : await openEmbeddedLog({ path: join(dir, 'log.sqlite') }, { log: silentLog, metrics })
  const transport = connectTransport(config, { clock: systemClock, logger: silentLog })
  startBridge(config, { log: eventLog, transport, clock: systemClock, logger: silentLog, metrics, lagMs: () => 0 }).lead()
  while (!transport.connected()) await new Promise((resolve) => setTimeout(resolve, 20))
  await new Promise((resolve) => setTimeout(resolve, 200))
}
