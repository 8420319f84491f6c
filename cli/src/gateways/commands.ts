/** `millrace gateway`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { ownValue, readArguments } from '@millrace/platform'
import { actorOf } from '../actor.ts'
import { apiOf, asking, print } from '../asking.ts'
import type { Command } from '../command.ts'
import { care, type Rollout } from './care.ts'
import { difference } from './difference.ts'
import { printAnswer, printGateways, printRollout } from './print.ts'

const options = {
  ...asking,
  gateways: { type: 'string', multiple: true },
  groups: { type: 'string' },
  'stop-at': { type: 'string', default: '1' },
  'dry-run': { type: 'boolean', default: false },
  'over-drift': { type: 'boolean', default: false },
  device: { type: 'string' },
  seconds: { type: 'string' },
  to: { type: 'string' },
  by: { type: 'string' },
  reason: { type: 'string' },
} as const

const words = [
  'list',
  'config show <gateway>',
  'config diff <gateway> [file]',
  'config apply <file>',
  'rollouts',
  'stop <rollout>',
  'command <gateway> <status|rebirth|restart|capture>',
]

const purpose = `list shows each gateway that has reported. config show prints what one runs, as far as it can be changed from here; config diff
compares that with a file, or with the gateway's own file after it was edited there. config apply rolls a file out to --gateways
(patterns over <group>/<node>), in --groups such as 1,5,rest; at --stop-at errors it stops and those that have it go back. --dry-run asks
the gateways what is wrong with it and changes nothing; --over-drift replaces what was edited on a gateway. docs/remote.md says more.`

export const gatewayCommands: Record<string, Command> = {
  gateway: {
    usage: '<list|config|rollouts|stop|command>',
    purpose: 'configuration of gateways from afar, rolled out in groups, and commands for them',
    run: (args) => runGateway(args),
  },
}

type Given = ReturnType<typeof read>

function read(args: string[]) {
  return readArguments({ call: 'millrace gateway', words, purpose, args }, options)
}

async function runGateway(args: string[]): Promise<number> {
  const given = read(args)
  const { values, positionals } = given
  const api = care(apiOf(values))
  const acts: Record<string, () => Promise<number>> = {
    list: async () => show(given, await api.list(), printGateways),
    rollouts: async () => show(given, await api.rollouts(), (all) => all.map(printRollout).join('\n\n') || 'no roll-outs'),
    stop: async () => show(given, await api.stop({ rollout: positionals[1]!, ...signed(given) }), printRollout),
    command: () => command(given),
    'config show': () => showConfiguration(given),
    'config diff': () => diff(given),
    'config apply': () => (values['dry-run'] ? dryRun(given) : apply(given)),
  }
  return ownValue(acts, positionals[0] === 'config' ? `config ${positionals[1]}` : positionals[0]!)!()
}

function show<T>({ values }: Given, value: T, text: (value: T) => string): number {
  print(values.json, value, () => text(value))
  return 0
}

function signed({ values, refuse }: Given) {
  return { by: actorOf(values.by), reason: values.reason ?? refuse('--reason is missing: it is in the audit trail') }
}

async function showConfiguration(given: Given): Promise<number> {
  const found = await care(apiOf(given.values)).configuration(given.positionals[2]!)
  return show(given, found, ({ text, isFresh }) =>
    `${isFresh ? '' : '# the gateway does not answer: this is what it told last\n'}${text ?? '# not told yet'}`.trimEnd(),
  )
}

/** 1 where they differ. */
async function diff(given: Given): Promise<number> {
  const { positionals, values } = given
  const { text = '', localText, drift } = await care(apiOf(values)).configuration(positionals[2]!)
  const file = positionals[3]
  const [one, other, names] =
    file === undefined
      ? [text, localText ?? text, ['in force', 'file of the gateway']]
      : [text, readFileSync(file, 'utf8'), ['in force', file]]
  const lines = difference(one, other)
  const head = `${drift ? 'drift: the file of the gateway was edited after its configuration was applied\n' : ''}--- ${names[0]}\n+++ ${names[1]}\n`
  show(given, { drift, lines }, () => (lines.length === 0 ? 'no difference' : `${head}${lines.join('\n')}`))
  return lines.length === 0 ? 0 : 1
}

async function dryRun(given: Given): Promise<number> {
  const { values, positionals } = given
  const answers = await care(apiOf(values)).check({ text: readFileSync(positionals[2]!, 'utf8'), gateways: gatewaysOf(given) })
  show(given, answers, () => answers.map(({ node, ...answer }) => `${node}  ${printAnswer(answer)}`).join('\n'))
  return answers.every(({ state }) => state === 'done') ? 0 : 1
}

async function apply(given: Given): Promise<number> {
  const { values, positionals, refuse } = given
  const errorsMax = Number(values['stop-at'])
  if (!Number.isInteger(errorsMax) || errorsMax < 1) refuse(`--stop-at ${values['stop-at']}: a number of errors, 1 or more`)
  const api = care(apiOf(values))
  const order = {
    text: readFileSync(positionals[2]!, 'utf8'),
    gateways: gatewaysOf(given),
    ...(values.groups === undefined ? {} : { groups: values.groups }),
    errorsMax,
    overDrift: values['over-drift'],
    ...signed(given),
  }
  const { id } = await api.configure(order)
  const ended = await follow(api, id, values.json)
  show(given, ended, printRollout)
  return Object.values(ended.gateways).every(({ state }) => state === 'confirmed') ? 0 : 1
}

const underway: ReadonlySet<string> = new Set(['asked', 'sent', 'applying', 'returning'])

/** Until it is over; it goes on where this command is ended. */
async function follow(api: ReturnType<typeof care>, id: string, isQuiet: boolean): Promise<Rollout> {
  for (let said = ''; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const rollout = (await api.rollouts()).find((one) => one.id === id)
    if (!rollout) throw new Error(`The processor knows no roll-out ${id} any more.`)
    const text = `${id}  group ${rollout.at + 1} of ${rollout.groups.length}  ${countsOf(rollout)}`
    if (text !== said && !isQuiet) process.stderr.write(`${text}\n`)
    said = text
    if (rollout.state !== 'running' && !Object.values(rollout.gateways).some(({ state }) => underway.has(state))) return rollout
  }
}

function countsOf({ gateways }: Rollout): string {
  const counts = Map.groupBy(Object.values(gateways), ({ state }) => state)
  return [...counts].map(([state, { length }]) => `${length} ${state}`).join(', ')
}

function gatewaysOf({ values, refuse }: Given): string[] {
  return values.gateways ?? refuse(`--gateways is missing: name them, such as --gateways 'ward/*'; '*' is all`)
}

async function command(given: Given): Promise<number> {
  const { values, positionals } = given
  const [, node, what] = positionals as [string, string, 'status']
  const seconds = values.seconds === undefined ? {} : { seconds: Number(values.seconds) }
  const more = {
    ...(values.device === undefined ? {} : { device: values.device }),
    ...(values.reason === undefined ? {} : { reason: values.reason }),
  }
  const answer = await care(apiOf(values)).command({ node, command: what, by: actorOf(values.by), ...seconds, ...more })
  if (values.to !== undefined && answer.state === 'done') writeFileSync(values.to, String(answer.data), { mode: 0o600 })
  show(given, answer, (one) =>
    values.to === undefined ? printAnswer(one) : `${one.state}${one.state === 'done' ? `: ${values.to}` : ''}`,
  )
  return answer.state === 'done' ? 0 : 1
}
