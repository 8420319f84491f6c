/** How this machine and this process are, from /proc and /sys; what a machine does not tell is left out. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { availableParallelism } from 'node:os'

const zones = '/sys/class/thermal'

/** Shares of all cores since the last call, in percent; undefined at the first. */
export function createCpuMeter(): () => { agent: number; gateway: number | undefined } | undefined {
  let last: { atMs: number; ownMs: number; busy: number; all: number } | undefined
  return () => {
    const { user, system } = process.cpuUsage()
    const now = { atMs: performance.now(), ownMs: (user + system) / 1000, ...ticks() }
    const before = last
    last = now
    if (!before) return undefined
    const all = now.all - before.all
    return {
      agent: (100 * (now.ownMs - before.ownMs)) / ((now.atMs - before.atMs) * availableParallelism()),
      gateway: all > 0 ? (100 * (now.busy - before.busy)) / all : undefined,
    }
  }
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal, since the start of the machine. */
function ticks(): { busy: number; all: number } {
  const numbers = read('/proc/stat')?.split('\n', 1)[0]?.trim().split(/\s+/).slice(1, 9).map(Number) ?? []
  const all = numbers.reduce((sum, each) => sum + each, 0)
  return { busy: all - (numbers[3] ?? 0) - (numbers[4] ?? 0), all }
}

/** Percent of the memory that processes could still take. */
export function memoryFree(): number | undefined {
  const text = read('/proc/meminfo') ?? ''
  const kB = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1])
  const percent = (100 * kB('MemAvailable')) / kB('MemTotal')
  return Number.isFinite(percent) ? percent : undefined
}

/** Percent. */
export function diskFree(folder: string): number | undefined {
  try {
    const { bavail, blocks } = statfsSync(folder)
    return (100 * bavail) / blocks
  } catch {
    return undefined
  }
}

/** Of the hottest zone, degrees Celsius. */
export function temperature(): number | undefined {
  try {
    const names = readdirSync(zones).filter((name) => name.startsWith('thermal_zone'))
    const degrees = names.map((name) => Number(read(`${zones}/${name}/temp`) ?? Number.NaN) / 1000).filter(Number.isFinite)
    return degrees.length === 0 ? undefined : Math.max(...degrees)
  } catch {
    return undefined
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
