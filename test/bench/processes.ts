/** The processes of a bench: started, watched and killed at the end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Child {
  pid: number
  /** All that it has printed. */
  text(): string
  /** Rejects when it ends with another code than 0. */
  ended: Promise<void>
  stop(): Promise<void>
}

/** Resolves when it has printed what `ready` matches; without that at once. */
export async function startChild(script: string, args: string[], ready?: RegExp): Promise<Child> {
  const process_ = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  const ended = new Promise<void>((resolve, reject) => {
    process_.on('exit', (code, signal) => {
      if (code === 0 || signal === 'SIGTERM') resolve()
      else reject(new Error(`${script} ended with ${code ?? signal}: ${text.slice(-2000)}`))
    })
  })
  const isReady = new Promise<void>((resolve) => {
    const see = (chunk: Buffer) => {
      text += chunk
      if (!ready || ready.test(text)) resolve()
    }
    process_.stdout.on('data', see)
    process_.stderr.on('data', see)
    if (!ready) resolve()
  })
  await Promise.race([isReady, ended])
  return { pid: process_.pid!, text: () => text, ended, stop: () => stop(process_, ended) }
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

/** CPU of all threads, from the kernel's counters of 10 ms; resident memory. */
export function usage(pid: number): { cpuS: number; residentMB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return { cpuS: (Number(fields[11]) + Number(fields[12])) / 100, residentMB: Math.round(Number(resident?.[1] ?? 0) / 1024) }
}
