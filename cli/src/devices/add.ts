/**
 * `millrace device add --topic lab/esp32-1/state`: makes the account, listens to the topic, shows what came, proposes how it is
 * read (a template where it looks like the device of a known maker), and writes that into `devices` of processor.yaml, from which the subscriptions of the bridge follow.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { addUser, allowFilters, hasUser } from '@millrace/broker/broker'
import { processorSchema } from '@millrace/cloud-processor/config'
import { filtersOf, type Published, recognise, type TemplateEntry } from '@millrace/cloud-processor/prepare'
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
  /** Instead of a proposal: what came looks like the devices of a maker. */
  template?: TemplateEntry
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
  if (password !== undefined) await addUser(users, { name: account, password, role: 'device', args: prefixesOf(prefix) })
  await allowFilters(users, config.bridge.username ?? '', [filter])
  say(`account     ${account}, may publish below ${prefix}/${password === undefined ? '' : `, password ${password}`}`)
  say(`listening   ${filter}, for up to ${options.seconds} s; let the device publish now`)
  const messages = await listen(config.bridge, filter, options.seconds * 1000)
  const received = messages.map(({ payload }) => payload)
  for (const text of received.slice(-3)) say(`received    ${text.slice(0, 300)}`)
  const found = findingOf(messages)
  if (found.proposal) writeDevice(file('processor.yaml'), { filter, device, ...found.proposal })
  else if (found.template) {
    await allowFilters(users, config.bridge.username ?? '', filtersOf([found.template as PlainConfig]))
    if (!config.devices.some((one) => isSameTemplate(one, found.template!))) writeDevice(file('processor.yaml'), found.template)
  }
  return { ...(password === undefined ? {} : { password }), account, prefix, received, ...found }
}

function findingOf(messages: Published[]): Pick<Added, 'proposal' | 'template'> {
  const template = recognise(messages)
  const proposal = template ? undefined : propose(messages.map(({ payload }) => payload))
  return { ...(proposal ? { proposal } : {}), ...(template ? { template } : {}) }
}

const isSameTemplate = (one: Partial<TemplateEntry>, { template, base }: TemplateEntry) =>
  one.template === template && one.base === base

/** A Tasmota device publishes below two prefixes. Exported for its test. */
export function prefixesOf(prefix: string): string[] {
  const levels = prefix.split('/')
  const at = levels.findIndex((level) => level === 'tele' || level === 'stat')
  return at < 0 || at === levels.length - 1 ? [prefix] : ['tele', 'stat'].map((level) => levels.with(at, level).join('/'))
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

type ProcessorConfig = ReturnType<typeof loadConfig<typeof processorSchema>>
type BridgeConfig = ProcessorConfig['bridge']
type PlainConfig = ProcessorConfig['devices'][number]

async function listen(
  { url, username, password, passwordFile, caFile }: BridgeConfig,
  filter: string,
  forMs: number,
): Promise<Published[]> {
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

/**
 * The broker takes up a changed file of users within a moment: a subscription that it refuses is tried again, and a connection that
 * it then ends is made again.
 */
function collect(client: MqttClient, filter: string, forMs: number): Promise<Published[]> {
  const received: Published[] = []
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
    let isThere = false
    client.on('connect', () => {
      isThere = true
      subscribe()
    })
    client.on('error', (error) => {
      if (isThere || (error as NodeJS.ErrnoException).code === 'ECONNRESET') return
      clearTimeout(over)
      fail(new Error(`the broker does not answer (${error.message}); is it running? millrace run`))
    })
    client.on('message', (topic, payload) => {
      if (received.length === 0) setTimeout(finish, furtherMs)
      if (received.length < receivedMax) received.push({ topic, payload: payload.toString() })
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
