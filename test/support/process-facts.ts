/** What Linux says of a process (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs'

/** `USER_HZ`; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

/** User and system time, of all threads. */
export function cpuSeconds(pid: number): number {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident, in MB. */
export function residentMB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

/** Whether there is such a process, and it is not one that only waits for its parent to hear of its end. */
export function isAlive(pid: number): boolean {
  try {
    return statOf(pid)[0] !== 'Z'
  } catch {
    return false
  }
}

/** Whether it is stopped, as by SIGSTOP. False when there is no such process. */
export function isStopped(pid: number): boolean {
  try {
    return statOf(pid)[0] === 'T'
  } catch {
    return false
  }
}

/** Processes that name this on their command line, but for this one. */
export function findProcesses(part: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => pid !== process.pid && commandLine(pid).includes(part) && isAlive(pid))
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** From field 3, state, on: the name before it may hold anything. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}
