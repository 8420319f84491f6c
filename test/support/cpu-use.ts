/** CPU that processes use from one call to the next, in percent of one core, and how busy the machine is beside them. */
import { loadavg } from 'node:os'
import { cpuSeconds, residentMB } from './process-facts.ts'

/** `text()` says it for each process since the last call, or since now. */
export function cpuUse(pids: Record<string, number | undefined>): { text(): string } {
  let before = look(pids)
  return {
    text() {
      const after = look(pids)
      const seconds = (after.atMs - before.atMs) / 1000
      const parts = Object.keys(pids).map((name) => {
        const percent = ((after.seconds[name]! - before.seconds[name]!) / seconds) * 100
        return `${name} ${percent.toFixed(0)} % ${after.residentMB[name]!.toFixed(0)} MB`
      })
      before = after
      return `${parts.join(', ')}; load average ${loadavg()[0]!.toFixed(1)}`
    },
  }
}

function look(pids: Record<string, number | undefined>) {
  const each = <T>(ask: (pid: number) => T) => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, ask(pid!)]))
  return { atMs: performance.now(), seconds: each(cpuSeconds), residentMB: each(residentMB) }
}
