/**
 * Kafka in KRaft mode: one node that is broker and controller, every topic with one copy. It syncs the file at every append:
 * without `log.flush.interval.messages=1` a single node loses what it acknowledged when the power goes.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCached } from '../cache.ts'
import { run } from '../command.ts'
import type { Engine, RunningEngine, StartOptions } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersTcp } from '../health.ts'
import { frugal, getJars, java } from '../maven.ts'
import { stablePort } from '../ports.ts'
import { type Security, secure } from './security.ts'

export interface KafkaOptions extends StartOptions {
  /** Over the defaults: broker settings by their own names, such as `message.max.bytes`. */
  config?: Record<string, string | number>
  /** Adds a listener with TLS and passwords beside the open one. */
  security?: boolean
  javaOptions?: string[]
}

export interface RunningKafka extends RunningEngine {
  /** With `security: true`. */
  secure?: Security
}

const version = '4.3.1'
const folder = `kafka-${version}`
/** Without one Kafka is silent about why it ends. */
const logger = 'org.slf4j:slf4j-simple:1.7.36'

export const kafka: Engine<KafkaOptions, RunningKafka> = {
  name: 'kafka',
  what: 'the distributed log, one node in KRaft mode',
  from: `Maven org.apache.kafka:kafka_2.13:${version}, 44 MB`,
  variable: 'ENGINE_KAFKA',
  protocol: 'tcp',
  find: () => findCached(folder),
  get: () => getJars({ folder, artifacts: [`org.apache.kafka:kafka_2.13:${version}`, logger] }),
  start,
}

/** Twenty-two characters of base64url: the cluster's id never changes, which matters only to a program that compares it. */
const clusterId = 'bWlsbHJhY2UtdGVzdC1rYQ'

async function start({ dir, port, config, security, javaOptions }: KafkaOptions): Promise<RunningKafka> {
  const found = await findCached(folder)
  if (!found) throw new Error('Kafka is not there. Run: npm run engines -- kafka')
  mkdirSync(dir, { recursive: true })
  const address = `127.0.0.1:${port ?? (await stablePort())}`
  const secured = security ? await secure(dir, await stablePort()) : undefined
  const file = join(dir, 'server.properties')
  const base = defaults(dir, address, await stablePort())
  const listeners = [base.listeners, ...(secured ? [`SASL_SSL://${secured.security.address}`] : [])].join()
  const settings = { ...base, ...secured?.settings, listeners, ...config }
  writeFileSync(
    file,
    Object.entries(settings)
      .map((entry) => `${entry.join('=')}\n`)
      .join(''),
  )
  const jvm = [
    ...frugal,
    '-Xmx512m',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    ...(javaOptions ?? []),
    '-cp',
    join(found.where, 'lib', '*'),
  ]
  if (!existsSync(join(dir, 'data', 'meta.properties'))) {
    const scram = secured ? ['--add-scram', secured.scramUser] : []
    await run(java(), [...jvm, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file, ...scram], { cwd: dir })
  }
  const isHealthy = () => answersTcp(address, apiVersionsRequest, (bytes) => bytes.length > 10 && bytes.readInt32BE(4) === 7)
  const args = [...jvm, 'kafka.Kafka', file]
  const running = await startProcess({ name: 'Kafka', address, dir, command: java(), args, isHealthy }).catch((error: Error) => {
    throw hasLogger(found.where) ? error : new Error(`${error.message}\n${silent(found.where)}`, { cause: error })
  })
  return Object.assign(running, secured && { secure: secured.security })
}

const hasLogger = (where: string) => readdirSync(join(where, 'lib')).some((jar) => jar.startsWith('slf4j-simple'))
const silent = (where: string) => `It has no logger to say why: remove ${where} and run npm run engines -- kafka`

function defaults(dir: string, address: string, controllerPort: number): Record<string, string | number> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    'log.dirs': join(dir, 'data'),
    'log.flush.interval.messages': 1,
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // After a kill the controller takes the broker back only when its former session has ended (9 s by default).
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 500,
  }
}

/** Size 10, ApiVersions (18) version 0, correlation 7, no client id. The broker answers once it takes requests at all. */
const apiVersionsRequest = Uint8Array.of(0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff)
