/**
 * A configuration from the cloud: the keys that may be changed from afar, and no other. It counts as a whole: what it leaves out has its
 * default, whatever the file of the gateway says. All other keys are those of the file: who the gateway is, its broker and credentials,
 * folders and files, the outbox, the rules, and what may be changed remotely.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { loadConfig, MillraceError, parseYaml } from '@millrace/platform'
import { stringify } from 'yaml'
import { busPlugins } from '../bus/index.ts'
import { type AgentConfig, agentSchema } from '../config.ts'

const remoteKeys = new Set([
  'commitEveryMs',
  'devices',
  'health',
  ...['keepaliveSeconds', 'connectMsMax', 'reconnectMsMin', 'reconnectMsMax', 'windowBatches', 'windowBytes'].map(ofUplink),
  ...['backlogShare', 'resendMs', 'resendMsMax', 'poisonSends', 'bufferBytesMax'].map(ofUplink),
])

type Section = Record<string, unknown>

function ofUplink(key: string): string {
  return `uplink.${key}`
}

export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** Of the file of the gateway; nothing where there is none, or not any more. */
export function localText(file: string | undefined): string {
  try {
    return file === undefined ? '' : readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** @param text the configuration from the cloud that is in force @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID */
export function loadAgentConfig(file: string | undefined, env: NodeJS.ProcessEnv, text?: string): AgentConfig {
  if (text === undefined) return loadConfig(agentSchema, file, env)
  const changed = parseDocument(text)
  return loadConfig(agentSchema, file, env, (raw) => merge(localKeys(section(raw)), changed))
}

/** What of a file may be changed from afar; variables stay as they are written. */
export function remotePart(text: string): string {
  const raw = section(parseYaml(text, 'the file of the gateway'))
  const uplink = pick(section(raw.uplink), (key) => remoteKeys.has(ofUplink(key)))
  const part = pick(raw, (key) => remoteKeys.has(key))
  return stringify(Object.keys(uplink).length > 0 ? { ...part, uplink } : part)
}

/** @throws MillraceError CONFIG_INVALID that names what is not changed remotely. */
function parseDocument(text: string): Section {
  const raw: unknown = parseYaml(text, 'the configuration', {})
  if (raw !== null && (typeof raw !== 'object' || Array.isArray(raw))) throw refusal('it is a list or a value, not keys')
  const document = section(raw)
  const keys = Object.keys(document).flatMap((key) =>
    key === 'uplink' ? Object.keys(section(document.uplink)).map(ofUplink) : [key],
  )
  const own = keys.filter((key) => !remoteKeys.has(key))
  if (own.length > 0)
    throw refusal(`${own.join(', ')}: not changed remotely. Leave it out, and change it in the file of the gateway`)
  for (const device of Array.isArray(document.devices) ? document.devices : []) refuseFiles(section(device))
  return document
}

/** A bus that reads any file of the gateway would show its secrets. */
function refuseFiles({ id, bus }: Section): void {
  const { kind } = section(bus)
  const plugin = typeof kind === 'string' && Object.hasOwn(busPlugins, kind) ? busPlugins[kind] : undefined
  if (plugin && !plugin.isLive)
    throw refusal(
      `devices.${id}.bus.kind = ${kind}: it reads any file of the gateway, so it is set in the file of the gateway alone`,
    )
}

function refusal(detail: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', { path: 'the configuration', detail })
}

function localKeys(raw: Section): Section {
  const uplink = pick(section(raw.uplink), (key) => !remoteKeys.has(ofUplink(key)))
  return { ...pick(raw, (key) => !remoteKeys.has(key)), uplink }
}

function merge(local: Section, { uplink, devices, ...changed }: Section): Section {
  const named = Array.isArray(devices) ? devices.map((device) => nameDevice(device, local.node)) : devices
  const all = { ...local, ...changed, uplink: { ...section(local.uplink), ...section(uplink) } }
  return devices === undefined ? all : { ...all, devices: named }
}

/** Names of devices are unique in the whole installation: in a configuration for many gateways `{node}` is the name of the gateway. */
function nameDevice(device: unknown, node: unknown): unknown {
  const { id } = section(device)
  return typeof id === 'string' && typeof node === 'string' ? { ...section(device), id: id.replaceAll('{node}', node) } : device
}

/** A value or a list has no keys. */
function section(raw: unknown): Section {
  return raw !== null && typeof raw === 'object' && !Array.isArray(raw) ? (raw as Section) : {}
}

function pick(from: Section, isWanted: (key: string) => boolean): Section {
  return Object.fromEntries(Object.entries(from).filter(([key]) => isWanted(key)))
}
