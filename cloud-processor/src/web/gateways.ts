/**
 * Routes over gateways: their configuration, roll-outs, commands. See docs/remote.md.
 *
 *   GET  /api/gateways                 each that has reported, by its newest report
 *   GET  /api/gateways/configuration?node    what it runs and what its file says, asked now
 *   GET  /api/gateways/rollouts        the newest first
 *   POST /api/gateways/check           {text, gateways}    each says what is wrong with it; nothing is changed
 *   POST /api/gateways/configure       {by?, reason, text, gateways, groups?, errorsMax?, overDrift?}
 *   POST /api/gateways/stop            {by?, reason, rollout}    those that have it get back what they ran before
 *   POST /api/gateways/command         {by?, reason?, node, command, device?, seconds?}
 */
import { configurationBytesMax, gatewayCommands } from '@millrace/contract'
import { type Clock, MillraceError, ownValue } from '@millrace/platform'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { chosen, type Gateways, inGroups } from '../gateways/index.ts'
import type { People } from '../people/index.ts'
import { audit, signature } from './actor.ts'
import { by, check } from './query.ts'
import type { GatewayView } from './wire.ts'

/** JSON may write a byte as six. */
const bodyLimit = 8 * configurationBytesMax
const askMs = 5000
const commandMs = 15_000

const node = z.string().min(1).max(500)
const reason = z.string('say why: it is in the audit trail').trim().min(1).max(1000)
const text = z
  .string()
  .refine((given) => Buffer.byteLength(given) <= configurationBytesMax, `has more than ${configurationBytesMax} bytes`)
const gateways = z.array(node, 'name them, such as ["ward/*"]').min(1).max(1000)
const onNode = z.strictObject({ node })
const checking = z.strictObject({ text, gateways })
const configuring = z.strictObject({
  by,
  reason,
  text,
  gateways,
  groups: z.string().default('1,rest'),
  errorsMax: z.int().min(1).default(1),
  overDrift: z.boolean().default(false),
})
const stopping = z.strictObject({ by, reason, rollout: z.string().max(64) })
const commanding = z
  .strictObject({
    by,
    reason: reason.optional(),
    node,
    command: z.enum(gatewayCommands),
    device: z.string().min(1).max(256).optional(),
    seconds: z.number().min(1).max(60).optional(),
  })
  .refine(({ command, device }) => command !== 'capture' || device !== undefined, {
    path: ['device'],
    message: 'capture needs one',
  })

interface Parts {
  people: People
  clock: Clock
}

export function gatewayRoutes(app: FastifyInstance, care: Gateways, { people }: Parts): void {
  const nodes = () => care.list().map(({ node }) => node)
  app.get('/api/gateways', async () => viewsOf(care))
  app.get('/api/gateways/rollouts', async () => care.rollouts())
  app.get('/api/gateways/configuration', async (request) => {
    const { node } = check(onNode, request.query)
    const before = known(care, node)
    const fresh = await care.ask(node, askMs)
    const { report, texts } = fresh ?? before.known
    return { node, isFresh: fresh !== undefined, drift: report.drift, running: report.running, ...texts }
  })
  app.post('/api/gateways/check', { bodyLimit }, async (request) => {
    const { text, gateways } = check(checking, request.body, 'WEB_BODY')
    const ask = async (node: string) => ({
      node,
      ...(await care.order(node, (id, expiresMs) => ({ k: 'check', id, expiresMs, text }), askMs)),
    })
    return Promise.all(chosen(nodes(), gateways).map(ask))
  })
  app.post('/api/gateways/configure', { bodyLimit }, async (request, reply) => {
    const { by: said, gateways, groups, overDrift: isOverDrift, ...given } = check(configuring, request.body, 'WEB_BODY')
    const by = signature(request, said)
    care.refuseOpenLink()
    const meant = chosen(nodes(), gateways)
    const order = { ...given, by, groups: inGroups(meant, groups), isOverDrift }
    const before = Object.fromEntries(
      care.list().flatMap(({ node, known }) => (meant.includes(node) ? [[node, known.report.running]] : [])),
    )
    audit(people, request, {
      action: 'gateway.configure',
      target: meant.join(' '),
      before,
      after: order,
      said: by,
      reason: given.reason,
    })
    return reply.code(202).send(care.rollOut(order))
  })
  app.post('/api/gateways/stop', async (request) => {
    const { by: said, reason, rollout: id } = check(stopping, request.body, 'WEB_BODY')
    const by = signature(request, said)
    const before = care.rollouts().find((one) => one.id === id)
    if (!before) throw new MillraceError('WEB_UNKNOWN', { what: `roll-out "${id}"` })
    audit(people, request, { action: 'gateway.stop', target: id, before: before.state, after: 'stopped', said: by, reason })
    return care.stopRollout(id, `stopped by ${by}: ${reason}`) ?? before
  })
  commandRoute(app, care, people)
}

function commandRoute(app: FastifyInstance, care: Gateways, people: People): void {
  app.post('/api/gateways/command', async (request) => {
    const { by: said, reason, node, ...command } = check(commanding, request.body, 'WEB_BODY')
    const by = signature(request, said)
    care.refuseOpenLink()
    known(care, node)
    audit(people, request, { action: `gateway.${command.command}`, target: node, after: command, said: by, reason })
    const seconds = command.command === 'capture' ? (command.seconds ?? 60) : 0
    return care.order(node, (id, expiresMs) => ({ k: 'command', id, expiresMs, ...command }), commandMs, seconds * 1000)
  })
}

function known(care: Gateways, node: string) {
  const found = care.list().find((one) => one.node === node)
  if (!found) throw new MillraceError('WEB_UNKNOWN', { what: `gateway "${node.slice(0, 100)}"` })
  return found
}

function viewsOf(care: Gateways): GatewayView[] {
  return care.list().map(({ node, known: { report, receivedMs }, rollout }) => ({
    node,
    reportedMs: receivedMs,
    ...report,
    ...(rollout ? { rollout: { id: rollout.id, ...ownValue(rollout.gateways, node)! } } : {}),
  }))
}
