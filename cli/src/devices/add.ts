/**
 * `millrace device add --topic lab/esp32-1/state`: makes the account, listens to the topic, shows what came, proposes how it is
 * read, and writes that into `devices` of processor.yaml, from which the subscriptions of the bridge follow.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { addUser, allowFilters, hasUser } from '@millrace/broker/broker'
import { processorSchema } from '@millrace/cloud-processor/config'
import { checkConfig, loadConfig, MillraceError, readSecret } from '@millrace/platform'
import mqtt, { type MqttClient } from 'mqtt'
import { parseDocument } from 'yaml'
import { newPassword } from '../lan/open.ts'
import { type Proposal, propose } from './propose.ts'

export interface AddOptions {
  data: string
  /** May have wildcards: `lab/+/state` is a device for each. */
  topic: string
  /** Of the account; by default the level of the topic that names the device. */
  name?: string
  /** How long the first message is waited for. */
  seconds: number
}

export interface Added {
  /** Absent: the account was there already. */
  password?: string
  account: string
  /** What the account may publish below. */
  prefix: string
  received: string[]
  /** Absent: nothing came, or nothing that can be read. */
  proposal?: Proposal
}

/** After the first message others may follow that have more in them. */
const furtherMs = 2000
const receivedMax = 100

export async function addDevice(options: AddOptions, say: (text: string) => void): Promise<Added> {
  const file = (name: string) => join(resolve(options.data), name)
  const { filter, prefix, device, account } = placesOf(options)
  const config = loadConfig(processorSchema, file('processor.yaml'), process.env)
  if (config.devices.some((one) => one.filter === filter))
    throw new Error(`${file('processor.yaml')} has a device with the filter ${filter} already; change it there.`)
  const users = file('broker.users')
  const isNew = !(await hasUser(users, account))
  const password = isNew ? newPassword() : undefined
  if (password !== undefined) await addUser(users, { name: account, password, role: 'device', args: [prefix] })
  await allowFilters(users, config.bridge.username ?? '', [filter])
  say(`account     ${account}, may publish below ${prefix}/${password === undefined ? '' : `, password ${password}`}`)
  say(`listening   ${filter}, for up to ${options.seconds} s; let the device publish now`)
  const received = await listen(config.bridge, filter, options.seconds * 1000)
  for (const text of received.slice(-3)) say(`received    ${text.slice(0, 300)}`)
  const proposal = propose(received)
  if (proposal) writeDevice(file('processor.yaml'), { filter, device, ...proposal })
  return { ...(password === undefined ? {} : { password }), account, prefix, received, ...(proposal ? { proposal } : {}) }
}

/** `lab/esp32-1/state`: the device and its account are `esp32-1`, which publishes below `lab/esp32-1`. Exported for its test. */
export function placesOf({ topic, name }: Pick<AddOptions, 'topic' | 'name'>) {
  const levels = topic.split('/')
  const wild = levels.findIndex((level) => level === '+' || level === '#')
  if (topic === '' || levels[0] === 'spBv1.0' || topic.startsWith('$') || wild === 0)
    throw new Error(`--topic ${topic || '(nothing)'}: a topic of plain MQTT is needed, such as lab/esp32-1/state`)
  const own = wild > 0 ? levels.slice(0, wild) : levels.slice(0, Math.max(1, levels.length - 1))
  const device = wild > 0 ? `{${wild}}` : own.at(-1)!
  return { filter: topic, prefix: own.join('/'), device, account: name ?? own.at(-1)! }
}

type BridgeConfig = ReturnType<typeof loadConfig<typeof processorSchema>>['bridge']

async function listen(
  { url, username, password, passwordFile, caFile }: BridgeConfig,
  filter: string,
  forMs: number,
): Promise<string[]> {
  const secret = passwordFile === undefined ? password : readSecret(passwordFile, 'bridge.passwordFile')
  const client = mqtt.connect(url, {
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    reconnectPeriod: 500,
    reconnectOnConnackError: true,
  })
  try {
    return await collect(client, filter, forMs)
  } finally {
    await client.endAsync(true)
  }
}

/** The broker takes up a changed file of users within a moment: a subscription that it refuses is tried again. */
function collect(client: MqttClient, filter: string, forMs: number): Promise<string[]> {
  const received: string[] = []
  return new Promise((done, fail) => {
    let again: ReturnType<typeof setTimeout> | undefined
    const finish = () => {
      clearTimeout(again)
      clearTimeout(over)
      done(received)
    }
    const over = setTimeout(finish, forMs)
    const subscribe = () => {
      client.subscribe(filter, { qos: 1 }, (_error, granted) => {
        if (granted?.[0] === undefined || granted[0].qos > 2) again = setTimeout(subscribe, 300)
      })
    }
    client.on('connect', subscribe)
    client.on('error', (error) => {
      clearTimeout(over)
      fail(new Error(`the broker does not answer (${error.message}); is it running? millrace run`))
    })
    client.on('message', (_topic, payload) => {
      if (received.length === 0) setTimeout(finish, furtherMs)
      if (received.length < receivedMax) received.push(payload.toString())
    })
  })
}

/** Comments and the order of the file stay. */
function writeDevice(path: string, device: object): void {
  if (!existsSync(path)) throw new MillraceError('CONFIG_NOT_FOUND', { path })
  const document = parseDocument(readFileSync(path, 'utf8'))
  const known = (document.toJS() as { devices?: object[] } | null)?.devices ?? []
  document.set('devices', document.createNode([...known, device]))
  checkConfig(processorSchema, document.toJS(), path)
  writeFileSync(path, document.toString(), { mode: 0o600 })
}
