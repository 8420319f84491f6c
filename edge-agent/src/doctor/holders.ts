/** Who holds a port open, as far as this user may see: `cat (1234)`. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'

export function holdersOf(path: string): string[] {
  const port = realpathSync(path)
  const others = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
  return others.filter((pid) => holds(pid, port)).map((pid) => `${nameOf(pid)} (${pid})`)
}

function holds(pid: string, port: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlink(`/proc/${pid}/fd/${fd}`) === port)
  } catch {
    return false
  }
}

function readlink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'a process'
  }
}
