/** Who holds a port open, as far as this user may see: `cat (1234)`. */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'

export function holdersOf(path: string): string[] {
  const port = realpathSync(path)
  const { dev, ino } = statSync(port)
  const isPort = (link: string) => {
    // By what it is as well: a container has a /dev of its own.
    const there = readlink(link) === port ? statSync(link, { throwIfNoEntry: false }) : undefined
    return there?.dev === dev && there.ino === ino
  }
  const others = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
  return others.filter((pid) => openFiles(pid).some(isPort)).map((pid) => `${nameOf(pid)} (${pid})`)
}

/** None of a process that ended, or of another user. */
function openFiles(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`)
  } catch {
    return []
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
