/** The agent as its package installed it, run in a clean root as its own user under a supervisor that speaks as systemd does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { agentStatus } from '../../support/agent-status.ts'
import type { Program } from '../../support/program.ts'
import { type RealProcess, realProcess } from '../../support/real-process.ts'
import { until } from '../../support/until.ts'
import type { CleanRoot } from './root.ts'

export const stateDir = '/var/lib/millrace-agent'

export interface InstalledAgent {
  /** Resolves when it said that it is ready and alive, as its unit wants to hear it. */
  start(): Promise<void>
  /** Resolves when it said that it stops, and has stopped. */
  stop(): Promise<void>
  entries(): Promise<number>
  status(): ReturnType<typeof agentStatus>
}

export function installedAgent(root: CleanRoot, { dir, check, atEnd }: Program): InstalledAgent {
  const told: string[] = []
  const supervisor = listen(root.path('run/notify'), (state) => void told.push(state))
  const environment = ['-u', 'NODE_BINARY', 'NOTIFY_SOCKET=/run/notify', 'WATCHDOG_USEC=2000000']
  const command = ['/usr/bin/millrace-agent', 'run', '--config', '/etc/millrace/agent.yaml']
  const agent: RealProcess = realProcess({
    name: 'agent',
    command: 'chroot',
    args: root.as('millrace-agent', '/usr/bin/env', ...environment, ...command),
    readyWhen: /"agent ready"/,
    logFile: join(dir, 'agent.log'),
    onUnexpectedEnd: (how) => check(false, `the agent ended by itself: ${how}`),
  })
  atEnd(() => supervisor.kill())
  atEnd(() => agent.stop())
  const status = () => agentStatus(root.path(stateDir))
  return {
    status,
    entries: async () => (await status())?.outbox.entries ?? 0,
    async start() {
      told.splice(0)
      await agent.start()
      await until('the supervisor hears READY and WATCHDOG', () => told[0] === 'READY=1' && told.includes('WATCHDOG=1'))
    },
    async stop() {
      const how = await agent.stop()
      await until('the supervisor hears STOPPING', () => told.includes('STOPPING=1'))
      check(how === 'code 0', `the agent stops as it is told to, and says so: ${how}`)
    },
  }
}

/** Any user may write to it, as to systemd's own. */
const listener = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
while True:
    for line in s.recv(4096).decode().split("\\n"): print(line, flush=True)
`

/** Node opens no datagram sockets of Unix. */
function listen(path: string, hear: (state: string) => void): ChildProcess {
  rmSync(path, { force: true })
  const child = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout! }).on('line', hear)
  return child
}
