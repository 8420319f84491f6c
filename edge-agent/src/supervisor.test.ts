import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '@millrace/platform'
import { expect, onTestFinished, test } from 'vitest'
import { tellSupervisor } from './supervisor.ts'

const soon = { timeout: 5000, interval: 10 }

/** A folder with a program of that name that notes what it is told. The real one: `npm run break -- install`. */
function notify(): { env: NodeJS.ProcessEnv; told: () => string[] } {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-supervisor-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const program = join(dir, 'systemd-notify')
  writeFileSync(program, `#!/bin/sh\necho "$1" >> ${dir}/told\n`)
  chmodSync(program, 0o755)
  writeFileSync(join(dir, 'told'), '')
  const env = { PATH: `${dir}:${process.env.PATH}`, NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '60000000' }
  return { env, told: () => readFileSync(join(dir, 'told'), 'utf8').split('\n').filter(Boolean).sort() }
}

test('a supervisor is told that the agent is ready, alive as long as commits end, and stopping', async () => {
  const { env, told } = notify()
  let commits = 0
  let tick = () => {}
  const clock = { ...systemClock, after: (_ms: number, call: () => void) => (tick = call) }
  const supervisor = tellSupervisor(env, { commits: () => commits, clock, log: silentLog })
  tick()
  commits++
  tick()
  tick()
  supervisor?.stopping()
  const expected = ['READY=1', 'STOPPING=1', 'WATCHDOG=1', 'WATCHDOG=1']
  await expect.poll(told, { ...soon, message: 'the third tick found a commit that hangs' }).toEqual(expected)
})

test('an agent that nobody supervises tells nobody', () => {
  expect(tellSupervisor({}, { commits: () => 0, clock: systemClock, log: silentLog })).toBeUndefined()
})

test('a supervisor that cannot be told is logged, and does not stop the agent', async () => {
  const warned: string[] = []
  const log = { ...silentLog, warn: (text: string) => void warned.push(text) }
  tellSupervisor({ PATH: '/nonexistent', NOTIFY_SOCKET: '/run/notify' }, { commits: () => 0, clock: systemClock, log })
  await expect.poll(() => warned, soon).toEqual(['the supervisor cannot be told'])
})
