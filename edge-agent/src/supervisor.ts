/**
 * Tells systemd how the agent is (`Type=notify`, sd_notify(3)), by its own program systemd-notify: Node opens no datagram sockets of
 * Unix, and addons that do are not there for every architecture. It is a process of some milliseconds, two in WATCHDOG_USEC.
 *
 *   READY=1       devices and uplink are started, whether or not a broker answers
 *   WATCHDOG=1    as long as commits end: an agent that hangs, or whose disk does, is started again
 *   STOPPING=1    it was told to stop
 */
import { execFile } from 'node:child_process'
import { type Clock, every, type Log } from '@millrace/platform'

export interface Supervisor {
  stopping(): void
}

interface Watched {
  /** Rises with each commit that has ended, whatever its outcome. */
  commits(): number
  clock: Clock
  log: Log
}

/** Undefined where nothing supervises this process. A supervisor that cannot be told is logged, and nothing else depends on it. */
export function tellSupervisor(env: NodeJS.ProcessEnv, watched: Watched): Supervisor | undefined {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: watchdogUs } = env
  if (!path) return undefined
  const tell = (state: string) =>
    void execFile('systemd-notify', [state], { env, timeout: 5000 }, (error) => {
      if (error) watched.log.warn('the supervisor cannot be told', { path, error })
    })
  tell('READY=1')
  const stopWatch = watchdogUs ? feed(Number(watchdogUs) / 1000, watched, tell) : () => {}
  return {
    stopping() {
      stopWatch()
      tell('STOPPING=1')
    },
  }
}

function feed(withinMs: number, { commits, clock }: Watched, tell: (state: string) => void): () => void {
  let seen = -1
  return every(clock, withinMs / 2, () => {
    const now = commits()
    if (now === seen) return
    seen = now
    tell('WATCHDOG=1')
  })
}
