/** Each command: exit code 0 all well, 1 the answer is no, 2 it could not be asked. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { backUp, restore } from '@millrace/cloud-processor/backup'
import { processorSchema } from '@millrace/cloud-processor/config'
import { setUp } from '@millrace/cloud-processor/engines'
import { createLog, createMetrics, loadConfig, systemClock } from '@millrace/platform'
import { findUrl, openApi } from './api.ts'
import type { Command } from './command.ts'
import { deviceCommands } from './devices/commands.ts'
import { lanCommands } from './lan/commands.ts'
import { printLedger } from './ledger.ts'
import { replay } from './replay.ts'
import { tail } from './tail.ts'
import { up } from './up/up.ts'
import { printVerdict } from './verify/print.ts'
import { verify, verifyDefaults } from './verify/verify.ts'

const dataDefault = 'millrace-data'
const common = {
  data: { type: 'string', default: dataDefault },
  url: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

export const commands: Record<string, Command> = {
  up: {
    usage: '[--scenario file] [--port n]',
    purpose: 'runs everything on simulated devices and prints the page’s address',
    run: runUp,
  },
  ...lanCommands,
  ...deviceCommands,
  verify: {
    usage: '<manifest> ...',
    purpose:
      'compares what devices produced with what is stored, and accounts for the rest; 1 when anything is lost, collapsed, doubled or altered',
    async run(args) {
      const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { ...common, 'slack-ms': { type: 'string' } },
      })
      if (positionals.length === 0)
        throw new Error('verify needs the manifests of this data, such as millrace-data/manifests/*.jsonl')
      const slackMs = Number(values['slack-ms'] ?? verifyDefaults.slackMs)
      const verdict = await verify(openApi(findUrl(values.url, values.data)), positionals, { ...verifyDefaults, slackMs })
      print(values.json, verdict, () => printVerdict(verdict))
      return verdict.isWhole ? 0 : 1
    },
  },
  ledger: {
    usage: '',
    purpose: 'the balance of every device at its latest cut; 1 when it does not close',
    async run(args) {
      const { values } = parseArgs({ args, options: common })
      const ledger = await openApi(findUrl(values.url, values.data)).ledger()
      print(values.json, ledger, () => printLedger(ledger))
      return ledger.balanced ? 0 : 1
    },
  },
  replay: {
    usage: 'rejected [--reason code] | check [--config file]',
    purpose: 'tries rejected messages again; or runs the stages over the log again and compares',
    async run(args) {
      const options = { ...common, reason: { type: 'string' }, config: { type: 'string' } } as const
      const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
      const config = values.config ?? [join(values.data, 'processor.yaml')].find((path) => existsSync(path))
      const outcome = await replay(openApi(findUrl(values.url, values.data)), positionals[0], { reason: values.reason, config })
      print(values.json, outcome, () => outcome.text)
      return outcome.isSame ? 0 : 1
    },
  },
  setup: {
    usage: '[--config file]',
    purpose: 'makes what the processor writes into: topics, buckets, retention, roll-ups, templates; what is there stays',
    async run(args) {
      const { values } = parseArgs({ args, options: { ...common, config: { type: 'string' } } })
      const context = { clock: systemClock, logger: createLog('setup'), metrics: createMetrics() }
      await setUp(processorConfig(values.config, values.data), context, (text) => process.stdout.write(`${text}\n`))
      return 0
    },
  },
  backup: {
    usage: '--to <folder> [--config file]',
    purpose: 'copies a processor’s log, store and notifications, while it runs or not',
    async run(args) {
      const { values } = parseArgs({ args, options: { ...common, to: { type: 'string' }, config: { type: 'string' } } })
      if (!values.to) throw new Error('backup needs --to, an empty or new folder')
      const { dataDir } = processorConfig(values.config, values.data)
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
    usage: '--from <folder> [--config file]',
    purpose: 'brings a backup back into an empty dataDir; what was receipted after it shows as a gap',
    async run(args) {
      const { values } = parseArgs({ args, options: { ...common, from: { type: 'string' }, config: { type: 'string' } } })
      if (!values.from) throw new Error('restore needs --from, the folder of a backup')
      const { dataDir, log } = processorConfig(values.config, values.data)
      const made = await restore(values.from, dataDir, log, { clock: systemClock, logger: createLog('restore') })
      print(values.json, made, () => `as of ${new Date(made.atMs).toISOString()}, in ${dataDir}; start the processor again`)
      return 0
    },
  },
  tail: {
    usage: '<raw|timeline|rejected|alarms>',
    purpose: 'follows a topic of the log',
    async run(args) {
      const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { ...common, from: { type: 'string' } },
      })
      const from = values.from === undefined ? undefined : Number(values.from)
      return tail(openApi(findUrl(values.url, values.data)), positionals[0] ?? 'timeline', from, values.json)
    },
  },
}

function processorConfig(path: string | undefined, data: string) {
  return loadConfig(processorSchema, path ?? join(data, 'processor.yaml'), process.env)
}

async function runUp(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { ...common, scenario: { type: 'string' }, port: { type: 'string', default: '8080' }, webhook: { type: 'string' } },
  })
  const { data, scenario, webhook } = values
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
  })
  say('Starting Millrace ...')
  const starting = up(
    { data, port: Number(values.port), ...(scenario ? { scenario } : {}), ...(webhook ? { webhook } : {}) },
    say,
  )
  const running = await Promise.race([starting, asked])
  if (running) {
    say(
      `\n  Millrace runs:  ${running.url}\n\n  manifest        ${running.manifest()}\n  processes       ${JSON.stringify(running.pids())}`,
    )
    say('\n  Kill any of them and watch the ledger. Ctrl-C stops everything.\n')
    await asked
    say('Stopping ...')
    await running.stop()
  }
  say('Stopped.')
  // Children that were still starting end with our end of their standard input.
  process.exit(0)
}

function print(isJson: boolean, value: unknown, text: () => string): void {
  process.stdout.write(`${isJson ? JSON.stringify(value, null, 2) : text()}\n`)
}
