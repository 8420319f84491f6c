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
import { freePort } from '@millrace/platform/testing/free-port'
import { type Program, program } from '../support/program.ts'
import { type Mistake, mistakesWith } from './messages/mistakes.ts'

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

await program('messages', async (context) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  context.atEnd(() => taken.close())
  const { port } = taken.address() as { port: number }
  for (const mistake of mistakesWith({ taken: port, free: await freePort() })) await make(mistake, context)
})

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
