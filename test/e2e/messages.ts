/**
 * What people get wrong on their first day, done for real, and printed: each mistake is answered by one message that names the
 * value and what to do, without a stack trace, and ends the process soon.
 *
 *     npm run break -- messages
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { readArguments } from '@millrace/platform'
import { freePort } from '../support/free-port.ts'
import { type Program, program } from '../support/program.ts'

readArguments({ call: 'npm run break -- messages' }, {})
const root = join(import.meta.dirname, '../..')
const programs = {
  agent: 'edge-agent/src/main.ts',
  broker: 'broker/src/main.ts',
  processor: 'cloud-processor/src/main.ts',
  simulator: 'simulators/src/main.ts',
  millrace: 'cli/src/main.ts',
}
const endMsMax = 60_000

interface Mistake {
  what: string
  of: keyof typeof programs
  args: string[]
  /** Written to `<folder>/c.yaml`. */
  yaml?: string
  /** Names the value and the remedy. */
  says: RegExp
  code: number
}

await program('messages', async (context) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  context.atEnd(() => taken.close())
  const { port } = taken.address() as { port: number }
  for (const mistake of mistakesWith({ taken: port, free: await freePort(), dir: context.dir })) await make(mistake, context)
})

function mistakesWith({ taken, free, dir }: { taken: number; free: number; dir: string }): Mistake[] {
  const config = ['--config', 'c.yaml']
  const ended = { code: 1 }
  const refused = { code: 2 }
  return [
    {
      what: 'a command that is not there',
      of: 'millrace',
      args: ['balance'],
      says: /balance is not a command.*usage: millrace/s,
      ...refused,
    },
    {
      what: 'an option that is not there',
      of: 'millrace',
      args: ['ledger', '--port', '1'],
      says: /'--port'.*usage: millrace ledger/s,
      ...refused,
    },
    {
      what: 'a file where --config belongs',
      of: 'agent',
      args: ['run', 'my.yaml'],
      says: /my\.yaml was not expected: --config/,
      ...refused,
    },
    {
      what: 'no processor',
      of: 'millrace',
      args: ['ledger', '--url', `http://127.0.0.1:${free}`],
      says: /No processor answers at .*Start it with npm start/,
      ...refused,
    },
    {
      what: 'a configuration that is not there',
      of: 'processor',
      args: ['run', '--config', 'none.yaml'],
      says: /none\.yaml.*Give an existing file/,
      ...ended,
    },
    {
      what: 'YAML that does not parse',
      of: 'broker',
      args: ['check', ...config],
      yaml: 'listen: [',
      says: /c\.yaml is not valid.*line 1/s,
      ...ended,
    },
    {
      what: 'a misspelt key',
      of: 'agent',
      args: ['check', ...config],
      yaml: 'uplink: { ulr: x }',
      says: /uplink\.ulr.*no such key.*Correct the named key/,
      ...ended,
    },
    {
      what: 'a plug-in that is not there',
      of: 'processor',
      args: ['check', ...config],
      yaml: 'log: { kind: kafkaa }',
      says: /log\.kind = "kafkaa".*'embedded' \| 'kafka'\. Correct/,
      ...ended,
    },
    {
      what: 'an open listener without TLS',
      of: 'broker',
      args: ['run', ...config],
      yaml: 'listen: { host: 0.0.0.0 }',
      says: /0\.0\.0\.0 is not on loopback.*configure TLS/,
      ...ended,
    },
    {
      what: 'a port that is taken',
      of: 'broker',
      args: ['run', ...config],
      yaml: `listen: { port: ${taken} }`,
      says: new RegExp(`Port ${taken} is in use\\. Stop what listens there`),
      ...ended,
    },
    {
      what: 'a page whose port is taken',
      of: 'processor',
      args: ['run', ...config],
      yaml: `web: { port: ${taken} }\ndataDir: data`,
      says: new RegExp(`Port ${taken} is in use`),
      ...ended,
    },
    {
      what: 'a Kafka that is not there',
      of: 'processor',
      args: ['run', ...config],
      yaml: `log: { kind: kafka, brokers: ['127.0.0.1:${free}'] }\ndataDir: data`,
      says: /waiting for an engine.*Cannot open the log kafka:.*that Kafka can be reached/s,
      ...ended,
    },
    {
      what: 'a scenario that is not there',
      of: 'simulator',
      args: ['run', 'sea', '--ports', join(dir, 'ports')],
      says: /There is no scenario sea\. Name one of .*ward/,
      ...ended,
    },
    {
      what: 'a backup of nothing',
      of: 'millrace',
      args: ['backup', '--to', 'copy', ...config],
      yaml: 'dataDir: data',
      says: /data has no log of a processor\. Name the dataDir/,
      ...refused,
    },
  ]
}

async function make({ what, of, args, yaml, says, code }: Mistake, { dir, check, say }: Program): Promise<void> {
  const folder = join(dir, what.replaceAll(' ', '-'))
  mkdirSync(folder)
  if (yaml !== undefined) writeFileSync(join(folder, 'c.yaml'), yaml)
  const child = spawn(process.execPath, [join(root, programs[of]), ...args], { cwd: folder, timeout: endMsMax })
  const [out, error, [ended]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  const said = `${out}${error}`
  say(`${of} ${args.join(' ')}${yaml === undefined ? '' : `   with ${yaml.split('\n')[0]}`}`)
  for (const line of said.trim().split('\n').slice(0, 3)) console.log(`           | ${line}`)
  check(
    ended === code && says.test(said) && !/\n\s+at |\\n\s+at /.test(said),
    `${what}: exit code ${ended}, one message, no stack`,
  )
}
