/** What setup has to know, from flags, a token, or three questions to a person. */
import { hostname } from 'node:os'
import { isToken, type Join, readToken } from '@millrace/contract/join-token'
import { MillraceError } from '@millrace/platform'
import { decoderPlugins } from '../decoders/index.ts'

export interface Given {
  /** URL of the broker, or a token. */
  broker?: string | undefined
  /** `group/node` */
  node?: string | undefined
  /** `<decoder>` or `<decoder>:<port or host:port>`, one a device. */
  device?: string[] | undefined
}

export interface Answers {
  join: Join
  devices: { id: string; decoder: string; path: string }[]
}

/** Puts a question; the answer is empty where the proposed one is to be taken. */
export type Question = (text: string) => Promise<string>

/** Asks for what was not given. @throws MillraceError AGENT_SETUP naming the answer that cannot be used. */
export async function answersOf(given: Given, ports: string[], question: Question): Promise<Answers> {
  const broker =
    given.broker ??
    (await question('1. Where is the broker? Paste the token that you got, or a URL such as mqtts://name:password@host:8883'))
  const join = joinOf(broker.trim())
  const proposed = `${join.group}/${join.node}`
  const node =
    given.node ??
    (isToken(broker.trim()) ? proposed : (await question(`2. What is this gateway called? [${proposed}]`)) || proposed)
  if (join.enrolment && node.trim() !== proposed) throw refused(`"${node}" is not the gateway of the token, ${proposed}`)
  Object.assign(join, nameOf(node.trim()))
  const texts = given.device ?? (await question(deviceQuestion(ports))).split(',')
  const devices = texts.map((text) => text.trim()).filter(Boolean)
  return { join, devices: devices.map((text, at) => deviceOf(text, at + 1, ports)) }
}

function deviceQuestion(ports: string[]): string {
  const there = ports.length === 0 ? 'no serial port is there' : ports.join(', ')
  return `3. Which devices, as decoder:port with commas between? Decoders: ${Object.keys(decoderPlugins).join(', ')}. Ports: ${there}`
}

function joinOf(text: string): Join {
  if (isToken(text)) return readToken(text)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(url.protocol) || url.hostname === '')
    throw refused(`"${text}" is not the URL of a broker such as mqtts://host:8883`)
  const { username, password } = url
  url.username = url.password = ''
  return {
    url: url.href.replace(/\/$/, ''),
    group: 'millrace',
    node: hostname(),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  }
}

function nameOf(text: string): { group: string; node: string } {
  const parts = text.split('/')
  if (parts.length !== 2 || parts.some((part) => part === '' || /[+#]/.test(part)))
    throw refused(`"${text}" is not the name of a gateway: group/node, without + and #`)
  return { group: parts[0]!, node: parts[1]! }
}

/** The port may be left out where there is one. */
function deviceOf(text: string, number: number, ports: string[]): Answers['devices'][number] {
  const colon = text.indexOf(':')
  const decoder = colon < 0 ? text : text.slice(0, colon)
  if (!Object.hasOwn(decoderPlugins, decoder))
    throw refused(`there is no decoder "${decoder}"; these are there: ${Object.keys(decoderPlugins).join(', ')}`)
  const path = colon < 0 ? ports[0] : text.slice(colon + 1)
  if (path === undefined || path === '') throw refused(`"${text}" names no port, and none was found`)
  return { id: `${decoder}-${number}`, decoder, path }
}

function refused(detail: string): MillraceError {
  return new MillraceError('AGENT_SETUP', { detail })
}
