/**
 * Who may ask what, by route. Written by hand and not read from routes.ts: a role that is too wide there is told apart from it. The
 * security drill asks real processes by the same table.
 */
import { type Role, roles } from '../../people/index.ts'
import { alarm, startMs } from './web.ts'

export type Who = 'stranger' | Role
/** `own` sees the device, `other` another ward, `whole` everything. */
export type Sees = 'whole' | 'own' | 'other'

export interface Row {
  /** What may ask. */
  from: 'everybody' | Role
  /** Answer to who does not see the device: 404, an empty answer, or 403. Absent: the same as everybody's. */
  unseen?: 404 | 403 | 'empty'
  /** 403 also to who sees part. */
  isWhole?: boolean
  path?: string
  body?: object
  /** Of who may. */
  code?: number
}

const span = `from=${startMs}&to=${startMs + 5000}`
const order = { alarm: alarm().id, reason: 'a test', by: 'Ada' }
const noted = { alarm: alarm().id, note: 'a test', by: 'Ada' }
const someone = { name: 'somebody' }
const silence = { id: 'ward', matchers: { devices: ['bed-*'] }, untilMs: Date.now() + 600_000, reason: 'a test', by: 'Ada' }

const registered = { device: 'oximeter-1', by: 'Ada', reason: 'a test' }
const limit = { id: 'mine', rule: 'spo2-low', devices: ['oximeter-1'], keys: { set: 84 }, reason: 'a test', by: 'Ada' }

export const table: Record<string, Row> = {
  'GET /health': { from: 'everybody' },
  'GET /ready': { from: 'everybody' },
  'POST /api/login': { from: 'everybody', body: { name: 'nobody', password: 'wrong horse' }, code: 401 },
  'GET /api/link': { from: 'everybody', path: '/api/link?link=x', code: 410 },
  'POST /api/link': { from: 'everybody', body: { link: 'x', password: 'correct horse' }, code: 410 },
  'GET /api/me': { from: 'viewer' },
  'POST /api/logout': { from: 'viewer', body: {} },
  'GET /api/live': { from: 'viewer' },
  'GET /api/fleet': { from: 'viewer', unseen: 'empty' },
  'GET /api/status': { from: 'viewer' },
  'GET /api/ledger': { from: 'viewer' },
  'GET /api/alarms': { from: 'viewer', unseen: 'empty' },
  'GET /api/alarms/changes': { from: 'viewer', unseen: 404, path: `/api/alarms/changes?alarm=${encodeURIComponent(alarm().id)}` },
  'GET /api/gaps': { from: 'viewer', unseen: 'empty', path: `/api/gaps?${span}` },
  'GET /api/corrections': { from: 'viewer', unseen: 'empty', path: `/api/corrections?device=oximeter-1&${span}` },
  'GET /api/events': { from: 'viewer', unseen: 'empty', path: `/api/events?${span}` },
  'GET /api/devices/:device/series': { from: 'viewer', unseen: 404, path: `/api/devices/oximeter-1/series?channel=spo2&${span}` },
  'GET /api/devices/:device/waves': { from: 'viewer', unseen: 404, path: `/api/devices/oximeter-1/waves?channel=pleth&${span}` },
  'GET /api/export/:device/:channel': { from: 'viewer', unseen: 404, path: `/api/export/oximeter-1/spo2?${span}` },
  'GET /metrics': { from: 'viewer', isWhole: true },
  'POST /api/alarms/acknowledge': { from: 'operator', unseen: 404, body: noted, code: 202 },
  'POST /api/alarms/comment': { from: 'operator', unseen: 404, body: noted, code: 202 },
  'POST /api/alarms/shelve': { from: 'operator', unseen: 404, body: order, code: 202 },
  'POST /api/alarms/unshelve': { from: 'operator', unseen: 404, body: order, code: 202 },
  'POST /api/alarms/out-of-service': { from: 'operator', unseen: 404, body: order, code: 202 },
  'POST /api/alarms/in-service': { from: 'operator', unseen: 404, body: order, code: 202 },
  'POST /api/alarms/reset': { from: 'operator', unseen: 404, body: order, code: 400 },
  'GET /api/silences': { from: 'viewer', isWhole: true },
  'POST /api/silences': { from: 'operator', isWhole: true, body: silence, code: 202 },
  'POST /api/silences/end': { from: 'operator', isWhole: true, body: { id: 'unknown', by: 'Ada' }, code: 404 },
  'GET /api/gateways': { from: 'engineer', isWhole: true },
  'GET /api/gateways/configuration': {
    from: 'engineer',
    isWhole: true,
    path: '/api/gateways/configuration?node=ward/unknown',
    code: 404,
  },
  'GET /api/gateways/rollouts': { from: 'engineer', isWhole: true },
  'POST /api/gateways/check': { from: 'engineer', isWhole: true, body: { text: '', gateways: ['ward/unknown'] }, code: 400 },
  'POST /api/gateways/configure': {
    from: 'engineer',
    isWhole: true,
    body: { text: '', gateways: ['ward/unknown'], reason: 'a test', by: 'Ada' },
    code: 400,
  },
  'POST /api/gateways/stop': {
    from: 'engineer',
    isWhole: true,
    body: { rollout: 'unknown', reason: 'a test', by: 'Ada' },
    code: 404,
  },
  'POST /api/gateways/command': {
    from: 'engineer',
    isWhole: true,
    body: { node: 'ward/unknown', command: 'status', by: 'Ada' },
    code: 404,
  },
  'GET /api/limits': { from: 'viewer' },
  'POST /api/limits': { from: 'operator', unseen: 403, body: { ...limit, untilMs: Date.now() + 600_000 }, code: 202 },
  'POST /api/limits/permanent': { from: 'engineer', unseen: 403, body: limit, code: 202 },
  'POST /api/limits/end': { from: 'operator', body: { id: 'unknown', by: 'Ada' }, code: 404 },
  'POST /api/limits/try': {
    from: 'operator',
    unseen: 404,
    body: { rule: 'spo2-low', devices: ['oximeter-1'], keys: { set: 84 } },
  },
  'GET /api/log/:topic': { from: 'engineer', isWhole: true, path: '/api/log/raw' },
  'POST /api/rejected/replay': { from: 'engineer', isWhole: true, body: {} },
  'GET /api/registry': { from: 'viewer', unseen: 'empty' },
  'POST /api/registry/assign': { from: 'engineer', unseen: 404, body: { ...registered, subject: 'anna', over: true }, code: 202 },
  'POST /api/registry/unassign': { from: 'engineer', unseen: 404, body: { ...registered, fromMs: Date.now() + 1e9 }, code: 409 },
  'POST /api/registry/describe': { from: 'engineer', unseen: 404, body: { ...registered, name: 'Pulse' }, code: 202 },
  'POST /api/registry/replace': { from: 'engineer', unseen: 404, body: { ...registered, with: 'oximeter-1' }, code: 409 },
  'POST /api/registry/decommission': {
    from: 'engineer',
    unseen: 404,
    body: { ...registered, fromMs: Date.now() + 1e9 },
    code: 409,
  },
  'POST /api/registry/recommission': { from: 'engineer', unseen: 404, body: registered, code: 409 },
  'GET /api/subjects/:subject/export': { from: 'viewer', path: `/api/subjects/anna/export?channel=spo2&${span}` },
  'GET /api/accounts': { from: 'admin' },
  'POST /api/accounts': { from: 'admin', body: { name: 'viewer-whole', role: 'viewer' }, code: 400 },
  'POST /api/accounts/change': { from: 'admin', body: someone, code: 404 },
  'POST /api/accounts/link': { from: 'admin', body: someone, code: 404 },
  'POST /api/accounts/end-sessions': { from: 'admin', body: someone, code: 404 },
  'POST /api/accounts/remove': { from: 'admin', body: someone, code: 404 },
  'GET /api/audit': { from: 'admin', isWhole: true },
}

export function expected({ from, unseen, isWhole, code = 200 }: Row, who: Who, sees: Sees): { code: number; isEmpty: boolean } {
  if (from === 'everybody') return { code, isEmpty: false }
  if (who === 'stranger') return { code: 401, isEmpty: false }
  if (roles.indexOf(who) < roles.indexOf(from)) return { code: 403, isEmpty: false }
  if (isWhole && sees !== 'whole') return { code: 403, isEmpty: false }
  if (sees !== 'other' || unseen === undefined) return { code, isEmpty: false }
  return unseen === 'empty' ? { code: 200, isEmpty: true } : { code: unseen, isEmpty: false }
}
