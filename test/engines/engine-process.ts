/**
 * An engine as a child process: its output in a file, asked until it does its work, killed by its process id when this process
 * ends. In a session of its own, so that a Ctrl-C reaches the test first, which may still want to ask the engine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, onPath } from './command.ts'
import type { RunningEngine } from './engine.ts'

export interface ProcessSpec {
  name: string
  address: string
  dir: string
  command: string
  args: string[]
  env?: Record<string, string>
  /** Whether it does its work. An error counts as no. */
  isHealthy: () => Promise<boolean>
  healthyWithinMs?: number
}

const stopWithinMs = 20_000
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export async function startProcess(spec: ProcessSpec): Promise<RunningEngine> {
  mkdirSync(spec.dir, { recursive: true })
  let child = await spawnHealthy(spec)
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (!isRunning(child)) return
    const hurry = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
    // One that is frozen would not hear of SIGTERM.
    child.kill(signal)
    child.kill('SIGCONT')
    await ended(child)
    clearTimeout(hurry)
  }
  return {
    address: spec.address,
    dir: spec.dir,
    get pid() {
      return isRunning(child) ? child.pid : undefined
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      child = await spawnHealthy(spec)
    },
    freeze: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
}

async function spawnHealthy(spec: ProcessSpec): Promise<ChildProcess> {
  const outputFile = join(spec.dir, 'output.log')
  const child = spawnLogged(spec, outputFile)
  const output = () => lastLines(readFileSync(outputFile, 'utf8'), 25)
  const withinMs = spec.healthyWithinMs ?? 60_000
  for (const endMs = performance.now() + withinMs; ; ) {
    if (!isRunning(child)) throw new Error(`${spec.name} ended while it started (${howEnded(child)}):\n${output()}`)
    if (await spec.isHealthy().catch(() => false)) return child
    if (performance.now() > endMs) {
      child.kill('SIGKILL')
      throw new Error(`${spec.name} does not answer after ${withinMs / 1000} s:\n${output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function spawnLogged(spec: ProcessSpec, outputFile: string): ChildProcess {
  const output = openSync(outputFile, 'a')
  // So that it ends too when this process is killed and cannot see to it; util-linux has setpriv on every Debian.
  const setpriv = onPath('setpriv')
  const [command, args] = setpriv ? [setpriv, ['--pdeathsig', 'KILL', spec.command, ...spec.args]] : [spec.command, spec.args]
  const env = { ...process.env, ...spec.env }
  const child = spawn(command, args, { cwd: spec.dir, stdio: ['ignore', output, output], env, detached: true })
  closeSync(output)
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

function howEnded(child: ChildProcess): string {
  return child.signalCode ?? (child.exitCode === null ? 'it could not be run' : `code ${child.exitCode}`)
}

function ended(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => (isRunning(child) ? child.once('exit', resolve) : resolve(undefined)))
}
