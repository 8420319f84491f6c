/**
 * Each command: exit code 0 all well, 1 the answer is no, 2 it could not be asked. What it stands on is loaded when it runs: the
 * processor and its clients take seconds on a small machine, and most commands need none of them.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ParseArgsOptionsConfig } from 'node:util'
import { createLog, createMetrics, loadConfig, readArguments, systemClock } from '@millrace/platform'
import { archiveCommands } from './archive/commands.ts'
import { apiOf, asking, data, json, print } from './asking.ts'
import { backtestCommands } from './backtest/commands.ts'
import { caCommands } from './ca/commands.ts'
import type { Command } from './command.ts'
import { deviceCommands } from './devices/commands.ts'
import { gatewayCommands } from './gateways/commands.ts'
import { importCommands } from './import/commands.ts'
import { lanCommands } from './lan/commands.ts'
import { printLedger } from './ledger.ts'
import { limitCommands } from './limit/commands.ts'
import { notifyCommands } from './notify/commands.ts'
import { peopleCommands } from './people/commands.ts'
import { ruleCommands } from './rules/commands.ts'
import { silenceCommands } from './silence/commands.ts'

/** Of a command that reads files. */
const local = { data, json, config: { type: 'string' } } as const

export const commands: Record<string, Command> = {
  up: {
    usage: '',
    purpose: 'runs everything on simulated devices and prints the page’s address',
    async run(args) {
      const { runUp, upOptions } = await import('./up/run.ts')
      return runUp(read('up', args, { data, ...upOptions }).values)
    },
  },
  ...lanCommands,
  ...caCommands,
  ...deviceCommands,
  ...gatewayCommands,
  ...ruleCommands,
  ...backtestCommands,
  ...peopleCommands,
  ...archiveCommands,
  ...importCommands,
  ...silenceCommands,
  ...limitCommands,
  ...notifyCommands,
  verify: {
    usage: '<manifest> ...',
    purpose:
      'compares what devices produced with what is stored, and accounts for the rest; 1 when anything is lost, collapsed, doubled or altered',
    async run(args) {
      const { values, positionals } = read('verify', args, { ...asking, 'slack-ms': { type: 'string' } })
      const { verify, verifyDefaults } = await import('./verify/verify.ts')
      const { printVerdict } = await import('./verify/print.ts')
      const slackMs = Number(values['slack-ms'] ?? verifyDefaults.slackMs)
      const verdict = await verify(apiOf(values), positionals, { ...verifyDefaults, slackMs })
      print(values.json, verdict, () => printVerdict(verdict))
      return verdict.isWhole ? 0 : 1
    },
  },
  ledger: {
    usage: '',
    purpose: 'the balance of every device at its latest cut; 1 when it does not close',
    async run(args) {
      const { values } = read('ledger', args, asking)
      const ledger = await apiOf(values).ledger()
      print(values.json, ledger, () => printLedger(ledger))
      return ledger.balanced ? 0 : 1
    },
  },
  replay: {
    usage: '<rejected|check>',
    purpose: 'tries rejected messages again; or runs the stages over the log again and compares',
    async run(args) {
      const options = { ...asking, reason: { type: 'string' }, config: { type: 'string' } } as const
      const { values, positionals } = read('replay', args, options)
      const config = values.config ?? [join(values.data, 'processor.yaml')].find((path) => existsSync(path))
      const { replay } = await import('./replay.ts')
      const outcome = await replay(apiOf(values), positionals[0] as 'rejected' | 'check', { reason: values.reason, config })
      print(values.json, outcome, () => outcome.text)
      return outcome.isSame ? 0 : 1
    },
  },
  setup: {
    usage: '',
    purpose: 'makes what the processor writes into: topics, buckets, retention, roll-ups, templates; what is there stays',
    async run(args) {
      const { values } = read('setup', args, local)
      const context = { clock: systemClock, logger: createLog('setup'), metrics: createMetrics() }
      const { setUp } = await import('@millrace/cloud-processor/engines')
      await setUp(await processorConfig(values.config, values.data), context, (text) => process.stdout.write(`${text}\n`))
      return 0
    },
  },
  backup: {
    usage: '--to <folder>',
    purpose: 'copies a processor’s log, store and notifications, while it runs or not',
    async run(args) {
      const { values } = read('backup', args, { ...local, to: { type: 'string' } })
      if (!values.to) throw new Error('backup needs --to, an empty or new folder')
      const { dataDir } = await processorConfig(values.config, values.data)
      const { backUp } = await import('@millrace/cloud-processor/backup')
      const made = await backUp(dataDir, values.to, systemClock)
      const bytes = made.files.reduce((sum, file) => sum + file.bytes, 0)
      print(
        values.json,
        made,
        () => `${made.files.length} files, ${bytes} bytes, of ${new Date(made.atMs).toISOString()}, in ${values.to}`,
      )
      return 0
    },
  },
  restore: {
    usage: '--from <folder>',
    purpose: 'brings a backup back into an empty dataDir; what was receipted after it shows as a gap',
    async run(args) {
      const { values } = read('restore', args, { ...local, from: { type: 'string' } })
      if (!values.from) throw new Error('restore needs --from, the folder of a backup')
      const { dataDir, log } = await processorConfig(values.config, values.data)
      const { restore } = await import('@millrace/cloud-processor/backup')
      const made = await restore(values.from, dataDir, log, { clock: systemClock, logger: createLog('restore') })
      print(values.json, made, () => `as of ${new Date(made.atMs).toISOString()}, in ${dataDir}; start the processor again`)
      return 0
    },
  },
  version: {
    usage: '',
    purpose: 'says which Millrace and which Node this is; it asks nobody',
    async run(args) {
      const { values } = read('version', args, { json })
      const { version, license } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
      const { node, sqlite } = process.versions
      const known = { millrace: version, licence: license, node, sqlite, platform: `${process.platform}-${process.arch}` }
      print(values.json, known, () => `Millrace ${version} (${license}), Node ${node}, SQLite ${sqlite}, ${known.platform}`)
      return 0
    },
  },
  page: {
    usage: '--to <folder>',
    purpose: 'builds the live page into a folder, for `staticDir` of a processor',
    async run(args) {
      const { values } = read('page', args, { to: { type: 'string' } })
      if (!values.to) throw new Error('page needs --to, the folder to build it into')
      const { buildDashboard } = await import('@millrace/dashboards/build')
      await buildDashboard(values.to)
      process.stdout.write(`the page is in ${values.to}\n`)
      return 0
    },
  },
  package: {
    usage: '--to <folder>',
    purpose: 'makes the agent’s packages (.deb, .rpm, tarball), each with its own Node, of this checkout',
    async run(args) {
      const options = {
        to: { type: 'string', default: 'dist' },
        arch: { type: 'string', default: 'amd64,arm64' },
        format: { type: 'string', default: 'deb,rpm,tar' },
        version: { type: 'string' },
      } as const
      const { values } = read('package', args, options)
      const { makePackages } = await import('./package/make.ts')
      for (const path of makePackages(values)) process.stdout.write(`${path}\n`)
      return 0
    },
  },
  trace: {
    usage: '<batch>',
    purpose: 'follows a batch, <stream>/<number> or the newest of a device, through every hop with times; 1 when it is not whole',
    async run(args) {
      const { values, positionals } = read('trace', args, asking)
      const { printTrace, trace } = await import('./trace/trace.ts')
      const found = await trace(apiOf(values), positionals[0]!)
      print(values.json, found, () => printTrace(found))
      return found.isWhole ? 0 : 1
    },
  },
  tail: {
    usage: '<raw|timeline|rejected|alarms>',
    purpose: 'follows a topic of the log',
    async run(args) {
      const { values, positionals } = read('tail', args, { ...asking, from: { type: 'string' } })
      const from = values.from === undefined ? undefined : Number(values.from)
      const { tail } = await import('./tail.ts')
      return tail(apiOf(values), positionals[0]!, from, values.json)
    },
  },
}

function read<const Options extends ParseArgsOptionsConfig>(name: string, args: string[], options: Options) {
  const { usage, purpose } = commands[name]!
  return readArguments({ call: `millrace ${name}`, words: [usage], purpose, args }, options)
}

async function processorConfig(path: string | undefined, data: string) {
  const { processorSchema } = await import('@millrace/cloud-processor/config')
  return loadConfig(processorSchema, path ?? join(data, 'processor.yaml'), process.env)
}
