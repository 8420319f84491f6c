/** The processor's API as the command line uses it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredGap } from '@millrace/cloud-processor/stores'
import type { LedgerView, LimitsView, SilenceView } from '@millrace/cloud-processor/web'
import type { AlarmRecord, Channel, Segment, Value } from '@millrace/contract'
import { readSecret } from '@millrace/platform'

export interface Api {
  url: string
  fleet(): Promise<{ device: string; subject?: string; node: string; state: string; channels: Channel[] }[]>
  ledger(): Promise<LedgerView>
  gaps(fromMs: number, toMs: number): Promise<StoredGap[]>
  alarms(): Promise<AlarmRecord[]>
  exportPoints(device: string, channel: string, fromMs: number, toMs: number): Promise<{ t: number; v: Value; q?: number }[]>
  exportSegments(device: string, channel: string, fromMs: number, toMs: number): Promise<Segment[]>
  /** One page of a topic's records. @param limit of their number. */
  log(topic: string, partition: number, from: number | undefined, limit?: number): Promise<LogPage>
  replayRejected(by: string, reason: string | undefined): Promise<{ replayed: number }>
  silences(): Promise<SilenceView[]>
  get<T>(path: string): Promise<T>
  limits(): Promise<LimitsView>
  /** Orders something by a POST. */
  order<T>(path: string, body: object): Promise<T>
}

export interface LogPage {
  id: string
  start: number
  end: number
  records: { offset: number; key: string; timeMs: number; source?: unknown; record: Record<string, unknown> }[]
}

/** What `millrace up` wrote of itself into its folder (up/up.ts); undefined where it did not run. */
export function readUp(data: string): { url: string; import?: { group: string; node: string; uplink: unknown } } | undefined {
  const path = join(data, 'up.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** Where `millrace up` wrote that it runs, unless a URL is given. */
export function findUrl(url: string | undefined, data: string): string {
  return url || (readUp(data)?.url ?? 'http://127.0.0.1:8080/')
}

/** Who asks: of a page that has a `web.credential`. */
export interface ApiCredential {
  user: string
  /** Its first line is the password. */
  passwordFile: string | undefined
}

export function openApi(url: string, credential?: ApiCredential): Api {
  const authorization = credential && authorizationOf(credential)
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { ...init.headers, ...(authorization ? { authorization } : {}) }
    const answer = await fetch(addressOf(path, url), { ...init, headers }).catch((cause) => {
      const why = causeOf(cause)
      throw new Error(`No processor answers at ${url}${why}. Start it with npm start, or name it with --url.`, { cause })
    })
    if (answer.status === 401)
      throw new Error(
        credential
          ? `${url} does not accept the password of ${credential.user}. Correct --user or the file of --password-file.`
          : `${url} needs a credential: name it with --user and --password-file.`,
      )
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const get = (path: string) => ask(path)
  const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T
  const lines = async <T>(path: string): Promise<T[]> => parseLines<T>(await (await get(path)).text())
  const order = async <T>(path: string, body: object): Promise<T> => {
    const headers = { 'content-type': 'application/json', origin: addressOf('/', url).origin }
    return (await (await ask(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as T
  }
  const exportPath = (device: string, channel: string, from: number, to: number) =>
    `/api/export/${encodeURIComponent(device)}/${encodeURIComponent(channel)}?from=${Math.max(0, from)}&to=${to}`
  return {
    url,
    fleet: () => json('/api/fleet'),
    ledger: () => json('/api/ledger'),
    gaps: (from, to) => json(`/api/gaps?from=${Math.max(0, from)}&to=${to}`),
    alarms: () => json('/api/alarms?state=all'),
    exportPoints: (device, channel, from, to) => lines(exportPath(device, channel, from, to)),
    exportSegments: (device, channel, from, to) => lines(exportPath(device, channel, from, to)),
    async log(topic, partition, from, limit) {
      const bounds = `${from === undefined ? '' : `&from=${from}`}${limit === undefined ? '' : `&limit=${limit}`}`
      const answer = await get(`/api/log/${topic}?partition=${partition}${bounds}`)
      const head = (name: string) => answer.headers.get(name) ?? ''
      return {
        id: head('x-log-id'),
        start: Number(head('x-log-start')),
        end: Number(head('x-log-end')),
        records: parseLines(await answer.text()),
      }
    },
    replayRejected: (by, reason) => order('/api/rejected/replay', { by, ...(reason ? { reason } : {}) }),
    silences: () => json('/api/silences'),
    get: json,
    limits: () => json('/api/limits'),
    order,
  }
}

function addressOf(path: string, url: string): URL {
  try {
    return new URL(path, url)
  } catch (cause) {
    throw new Error(`--url ${url} is not an address, such as https://millrace.example:8443/.`, { cause })
  }
}

function authorizationOf({ user, passwordFile }: ApiCredential): string {
  if (passwordFile === undefined)
    throw new Error(`--user ${user} needs --password-file, a file whose first line is the password.`)
  return `Basic ${Buffer.from(`${user}:${readSecret(passwordFile, '--password-file')}`).toString('base64')}`
}

/** What fetch found, such as a certificate that is not trusted. */
function causeOf({ cause }: { cause?: { code?: string; message?: string } }): string {
  const said = cause?.code ?? cause?.message
  return said ? ` (${said})` : ''
}

function parseLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
