/**
 * Whose request it is. One of
 * - a session of an account, by its cookie,
 * - an account, or `web.credential`, by HTTP Basic, for programs,
 * - everybody on this machine, where the page listens on loopback and there is neither an account nor a credential: `npm start`.
 */
import { basicCheck, isLoopback, sourceOf } from '@millrace/platform'
import { parseCookie } from 'cookie'
import type { FastifyRequest } from 'fastify'
import { type Account, type People, type Role, Scope } from '../people/index.ts'
import type { WebConfig } from './config.ts'

export interface Identity {
  kind: 'session' | 'password' | 'credential' | 'machine'
  name: string
  role: Role
  scope: Scope
  /** As it was configured. */
  filters: string[]
  /** Of `session`. */
  session?: string
  /** Of an account, as it was when this was let in. */
  changedMs?: number
}

export interface Identities {
  /** Undefined: nobody who is known. @throws MillraceError WEB_LOGIN_THROTTLED */
  of(request: FastifyRequest): Promise<Identity | undefined>
  /** By what somebody typed. */
  prove(name: string, password: string, request: FastifyRequest): Promise<Identity | undefined>
  /** Whether the files of the page are for everybody, since they show the login. */
  isPageOpen(): boolean
  /** Whether it would still be let in as the same. */
  isOn(identity: Identity): boolean
}

interface Known {
  people: People
  nodeOf: (device: string) => string | undefined
}

/** Of the cookie; `__Host-`: this host alone, by TLS alone (RFC 6265bis). */
export const cookieName = ({ tls }: Pick<WebConfig, 'tls'>) => (tls ? '__Host-millrace' : 'millrace')

export function createIdentities(config: WebConfig, { people, nodeOf }: Known): Identities {
  const isCredential = config.credential && basicCheck(config.credential)
  const everything = new Scope([], nodeOf)
  const ofAccount = (account: Account, more: Pick<Identity, 'kind' | 'session'>): Identity => ({
    ...more,
    name: account.name,
    role: account.role,
    filters: account.scope,
    changedMs: account.changedMs,
    scope: account.scope.length === 0 ? everything : new Scope(account.scope, nodeOf),
  })
  const asAdmin = (kind: 'credential' | 'machine', name: string): Identity => ({
    ...{ kind, name, role: 'admin', filters: [], scope: everything },
  })
  const isOpen = () => config.login === 'auto' && people.isEmpty && !config.credential && isLoopback(config.host)
  const prove = async (name: string, password: string, request: FastifyRequest) => {
    const basic = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
    if (isCredential?.(basic)) return asAdmin('credential', config.credential!.name)
    if (people.isEmpty) return undefined
    const account = await people.prove(name, password, sourceOf(request.ip))
    return account && ofAccount(account, { kind: 'password' })
  }
  return {
    prove,
    async of(request) {
      if (isOpen()) return asAdmin('machine', 'this machine')
      const token = parseCookie(request.headers.cookie ?? '')[cookieName(config)]
      const found = token === undefined ? undefined : people.whose(token)
      if (found) return ofAccount(found.account, { kind: 'session', session: found.session })
      const given = parseBasic(request.headers.authorization)
      return given && prove(given.name, given.password, request)
    },
    isPageOpen: () => config.login === 'required' || !people.isEmpty,
    isOn(identity) {
      if (identity.kind === 'credential') return true
      if (identity.kind === 'machine') return isOpen()
      const isSame = people.get(identity.name)?.changedMs === identity.changedMs
      return isSame && (identity.session === undefined || people.isOn(identity.session))
    },
  }
}

function parseBasic(authorization: string | undefined): { name: string; password: string } | undefined {
  const [, code] = /^Basic ([\w+/=-]+)$/i.exec(authorization ?? '') ?? []
  if (code === undefined) return undefined
  const [name, ...rest] = Buffer.from(code, 'base64').toString().split(':')
  return rest.length === 0 ? undefined : { name: name!, password: rest.join(':') }
}
