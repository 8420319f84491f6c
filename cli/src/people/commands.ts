/** `millrace user` and `millrace audit`: on the file of accounts itself, whether the processor runs or not. Who may read it may do this. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Account, Actor, AuditRow, People, Role } from '@millrace/cloud-processor/people'
import { loadConfig, readArguments, systemClock } from '@millrace/platform'
import { data, json, print } from '../asking.ts'
import { type Command, lanData } from '../command.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)
const of = { data, json, config: { type: 'string' } } as const
const userPurpose = `add and link print a path that sets the password of the account, once, within a day; open it behind the page's address.
Roles: viewer; operator (acknowledge, shelve); engineer (log, replay); admin (accounts, audit trail). --scope narrows what an account sees:
filters over group/node/device, such as ward-3/#; give it several times, and none for everything.`

export const peopleCommands: Record<string, Command> = {
  user: {
    usage: '<add|list|role|scope|link|end-sessions|remove> [name]',
    purpose: 'accounts of the page: who may log in, with which role, and which devices they see',
    run: runUser,
  },
  audit: {
    usage: '',
    purpose: 'who did what on the page, the newest first',
    async run(args) {
      const usage = { call: 'millrace audit', purpose: peopleCommands.audit!.purpose, args }
      const { values, refuse } = readArguments(usage, { ...of, limit: { type: 'string', default: '50' } })
      const limit = Number(values.limit)
      if (!Number.isInteger(limit) || limit < 1) refuse(`--limit ${values.limit}: a number of entries`)
      return withPeople(values, (people) => {
        const rows = people.trail(limit)
        print(values.json, rows, () => rows.map(lineOf).join('\n'))
      })
    },
  },
}

async function runUser(args: string[]): Promise<number> {
  const options = {
    ...of,
    role: { type: 'string' },
    scope: { type: 'string', multiple: true },
    reason: { type: 'string' },
  } as const
  const words = [
    'list',
    'add <name> --role <role>',
    'role <name> --role <role>',
    'scope <name>',
    '<link|end-sessions|remove> <name>',
  ]
  const { values, positionals, refuse } = readArguments({ call: 'millrace user', words, purpose: userPurpose, args }, options)
  const [what, name = ''] = positionals
  const role = () => (values.role ?? refuse('--role is missing')) as Role
  const actor: Actor = { by: `${userInfo().username} (command line)`, reason: values.reason }
  const acts = new Map<string, (people: People) => string>(
    Object.entries({
      add: (people: People) => linkText(people.add({ name, role: role(), scope: values.scope ?? [] }, actor)),
      role(people: People) {
        people.change(name, { role: role(), scope: values.scope }, actor)
        return `${name} is now ${values.role}; its sessions have ended`
      },
      scope(people: People) {
        people.change(name, { scope: values.scope ?? [] }, actor)
        return `${name} sees ${scopeText(values.scope ?? [])}; its sessions have ended`
      },
      link: (people: People) => linkText(people.link(name, actor)),
      'end-sessions': (people: People) => `${people.endSessions(name, actor)} sessions have ended`,
      remove(people: People) {
        people.remove(name, actor)
        return `${name} is removed; its sessions have ended`
      },
    }),
  )
  return withPeople(values, (people) => {
    const act = acts.get(what!)
    if (act) return say(act(people))
    const accounts = people.list()
    print(values.json, accounts, () => accounts.map((account) => accountText(account, people)).join('\n') || 'no accounts')
  })
}

async function withPeople(given: { data: string; config?: string | undefined }, act: (people: People) => void): Promise<number> {
  const [{ processorSchema }, { People, peopleFile }] = await Promise.all([
    import('@millrace/cloud-processor/config'),
    import('@millrace/cloud-processor/people'),
  ])
  const { dataDir } = loadConfig(processorSchema, given.config ?? configIn(given.data), process.env)
  const people = new People(join(dataDir, peopleFile), systemClock)
  try {
    act(people)
  } finally {
    people.close()
  }
  return 0
}

/** Of `millrace up`, or of `millrace run` where that is what there is. */
function configIn(folder: string): string {
  const [own, lan] = [folder, lanData].map((each) => join(each, 'processor.yaml')) as [string, string]
  return folder === data.default && !existsSync(own) && existsSync(lan) ? lan : own
}

const linkText = (token: string) => `open once, within a day:  <address of the page>#/link/${token}`
const scopeText = (scope: string[]) => scope.join(', ') || 'everything'

function accountText({ name, role, scope, isInvited }: Account, people: People): string {
  const state = isInvited ? 'link not opened yet' : `${people.sessions.of(name).length} sessions`
  return `${name.padEnd(20)} ${role.padEnd(9)} ${scopeText(scope).padEnd(24)} ${state}`
}

function lineOf({ atMs, by, action, target, before, after, reason }: AuditRow): string {
  const values = [before, after].map((value) => (value === undefined ? '' : JSON.stringify(value)))
  const change = values.some((text) => text !== '') ? `  ${values.join(' → ')}` : ''
  return `${new Date(atMs).toISOString()}  ${by}  ${action}  ${target}${change}${reason ? `  (${reason})` : ''}`
}
