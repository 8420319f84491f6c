/**
 * Holes that are made on purpose, each by one change of the source as the processes load it, and the check that has to see it. What is
 * to be changed must be there: a hole that could not be made ends the process.
 */
import { registerHooks } from 'node:module'

interface Plant {
  file: string
  from: string
  to: string
  /** `<group>: <check>` */
  seenBy: string
}

export const plants: Record<string, Plant> = {
  'wide-role': {
    file: 'broker/src/access/policy.ts',
    from: "publish: ['{prefix}/#'], subscribe: []",
    to: "publish: ['{prefix}/#'], subscribe: ['plain/#']",
    seenBy: 'access matrix: our broker, password: subscriptions',
  },
  'wide-route': {
    file: 'cloud-processor/src/web/routes.ts',
    from: "'GET /api/accounts': admin",
    to: "'GET /api/accounts': seeing",
    seenBy: 'roles: viewer: every route',
  },
  'revocation-closes-nothing': {
    file: 'broker/src/access/certificates.ts',
    from: 'for (const call of this.#looks) call()',
    to: '',
    seenBy: 'machines: a revoked certificate is closed within a second: mqtts',
  },
  'sessions-go-on': {
    file: 'cloud-processor/src/web/open-answers.ts',
    from: 'response.destroy()',
    to: 'void response',
    seenBy: 'sessions: a change of the role ends the live view',
  },
  'unbounded-map': {
    file: 'broker/src/refusal-audit.ts',
    from: 'const entriesMax = 1_000',
    to: 'const entriesMax = Number.POSITIVE_INFINITY',
    seenBy: 'wire: the audit of refusals is bounded',
  },
  'token-twice': {
    file: 'cli/src/ca/register.ts',
    from: "if (usedBy) return hash(key).equals(usedBy) ? { name } : 'token-used'",
    to: '',
    seenBy: 'machines: a token is good once',
  },
  'link-twice': {
    file: 'cloud-processor/src/people/links.ts',
    from: 'DELETE FROM links WHERE hash = ?',
    to: 'UPDATE links SET hash = hash WHERE hash = ?',
    seenBy: 'sessions: a link for a password is good once',
  },
  'no-origin-check': {
    file: 'cloud-processor/src/web/access.ts',
    from: 'if (origin !== ',
    to: 'if (origin === null && origin !== ',
    seenBy: 'roles: a change without Origin is refused on every route',
  },
  'open-listener': {
    file: 'platform/src/http.ts',
    from: 'if (missing && !isLoopback(host))',
    to: 'if (missing && !host)',
    seenBy: 'closed by default: broker: metrics endpoint beyond loopback',
  },
  'no-throttling': {
    file: 'platform/src/guesses.ts',
    from: 'const atOnceMax = 10',
    to: 'const atOnceMax = 1e9',
    seenBy: 'login: wrong passwords of one address are slowed down',
  },
  'secret-in-error': {
    file: 'platform/src/config.ts',
    from: "typeof value === 'string' ? hidden : shown(path, value)",
    to: 'JSON.stringify(value)',
    seenBy: 'configuration: a misspelt secret key of the agent is refused, and its value not shown',
  },
}

const variable = 'MILLRACE_TEST_PLANT'

/** In all processes that are started from now on. */
export function plant(name: string): void {
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${import.meta.url}`
  process.env[variable] = name
}

const chosen = process.env[variable] && plants[process.env[variable]]
if (chosen)
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      if (!url.endsWith(`/${chosen.file}`)) return loaded
      const source = `${Buffer.from(loaded.source as Uint8Array)}`
      if (!source.includes(chosen.from)) throw new Error(`${chosen.file} has no ${chosen.from}`)
      return { ...loaded, source: source.replace(chosen.from, () => chosen.to) }
    },
  })
