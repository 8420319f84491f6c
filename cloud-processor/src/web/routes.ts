/**
 * Who may ask what: every route of the page, with the role that it takes and what it tells an account with a scope. A route that is not here
 * cannot be made: the page does not start.
 */
import type { Role } from '../people/index.ts'

export interface Right {
  /** `probe`: anybody, always. `login`: anybody, so that they can log in. `page`: the files of the page, which hold no data. */
  role: Role | 'probe' | 'login' | 'page'
  /** `nothing` about devices; `filtered`: only those within the scope; `whole`: it takes an account without a scope. */
  tells: 'nothing' | 'filtered' | 'whole'
}

const probe: Right = { role: 'probe', tells: 'nothing' }
const login: Right = { role: 'login', tells: 'nothing' }
const seeing: Right = { role: 'viewer', tells: 'filtered' }
const operating: Right = { role: 'operator', tells: 'filtered' }
/** A silence is for whichever devices match: of an account that sees all. */
const silencing: Right = { role: 'operator', tells: 'whole' }
/** What a gateway runs decides over all of its devices. */
const care: Right = { role: 'engineer', tells: 'whole' }
const registering: Right = { role: 'engineer', tells: 'filtered' }
const admin: Right = { role: 'admin', tells: 'nothing' }

const routes: Record<string, Right> = {
  'GET /health': probe,
  'GET /ready': probe,
  'POST /api/login': login,
  'GET /api/link': login,
  'POST /api/link': login,
  'GET /api/me': { role: 'viewer', tells: 'nothing' },
  'POST /api/logout': { role: 'viewer', tells: 'nothing' },

  'GET /api/live': seeing,
  'GET /api/fleet': seeing,
  'GET /api/status': seeing,
  'GET /api/ledger': seeing,
  'GET /api/alarms': seeing,
  'GET /api/alarms/changes': seeing,
  'GET /api/gaps': seeing,
  'GET /api/corrections': seeing,
  'GET /api/events': seeing,
  'GET /api/devices/:device/series': seeing,
  'GET /api/devices/:device/waves': seeing,
  'GET /api/export/:device/:channel': seeing,
  'GET /metrics': { role: 'viewer', tells: 'whole' },

  'POST /api/alarms/acknowledge': operating,
  'POST /api/alarms/comment': operating,
  'POST /api/alarms/shelve': operating,
  'POST /api/alarms/unshelve': operating,
  'POST /api/alarms/out-of-service': operating,
  'POST /api/alarms/in-service': operating,
  'POST /api/alarms/reset': operating,
  'GET /api/silences': { role: 'viewer', tells: 'whole' },
  'POST /api/silences': silencing,
  'POST /api/silences/end': silencing,

  'GET /api/gateways': care,
  'GET /api/gateways/configuration': care,
  'GET /api/gateways/rollouts': care,
  'POST /api/gateways/check': care,
  'POST /api/gateways/configure': care,
  'POST /api/gateways/stop': care,
  'POST /api/gateways/command': care,

  'GET /api/limits': seeing,
  'POST /api/limits': operating,
  'POST /api/limits/permanent': { role: 'engineer', tells: 'filtered' },
  'POST /api/limits/end': operating,
  'POST /api/limits/try': operating,

  'GET /api/log/:topic': { role: 'engineer', tells: 'whole' },
  'POST /api/rejected/replay': { role: 'engineer', tells: 'whole' },

  'GET /api/registry': seeing,
  'POST /api/registry/assign': registering,
  'POST /api/registry/unassign': registering,
  'POST /api/registry/describe': registering,
  'POST /api/registry/replace': registering,
  'POST /api/registry/decommission': registering,
  'POST /api/registry/recommission': registering,
  'GET /api/subjects/:subject/export': seeing,

  'GET /api/accounts': admin,
  'POST /api/accounts': admin,
  'POST /api/accounts/change': admin,
  'POST /api/accounts/link': admin,
  'POST /api/accounts/end-sessions': admin,
  'POST /api/accounts/remove': admin,
  'GET /api/audit': { role: 'admin', tells: 'whole' },
}

/** Paths and files that somebody without a login sees for what they are: not there. */
const unknown: Right = { role: 'viewer', tells: 'nothing' }

/** @param url as the route was made, undefined where there is no such route */
export function rightOf(method: string, url: string | undefined, isPage: boolean): Right {
  if (url === undefined) return unknown
  if (isPage) return { role: 'page', tells: 'nothing' }
  const right = routes[`${method === 'HEAD' ? 'GET' : method} ${url}`]
  if (!right) throw new Error(`${method} ${url} has no entry in web/routes.ts: name the role that it takes`)
  return right
}

/** Exported for its test. */
export const listedRoutes = Object.keys(routes)
