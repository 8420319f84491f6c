/** The life of every process: check or run, a clean stop on SIGINT and SIGTERM, a clear last line on failure. */
import { MillraceError } from './errors.ts'
import type { Log } from './log.ts'

export interface Service {
  stop(): Promise<void>
  /** Rejects when the service cannot go on. */
  failed?: Promise<never>
}

/** Asked while it still starts, a process may go on with that for so long; half a start is as safe to leave as after `kill -9`. */
const startMsMax = 2000
/** From the asking to the end, come what may: its parts end before (stop.ts), and supervisors often give ten seconds. */
const stopMsMax = 9500

/** Exit codes: 0 stopped as asked, 1 failed. What is neither `check` nor `setup` runs: the words are checked by arguments.ts. */
export async function runService(
  log: Log,
  command: string | undefined,
  commands: { check: () => unknown; run: () => Promise<Service>; setup?: () => Promise<void> },
): Promise<void> {
  try {
    if (command === 'check') {
      commands.check()
      process.stdout.write('configuration is valid\n')
      return
    }
    if (command === 'setup') return await commands.setup?.()
    // What a service writes is for its own user: data, snapshots, secrets.
    process.umask(0o077)
    const stopper = createStopper(log)
    process.on('SIGINT', () => stopper.ask('SIGINT'))
    process.on('SIGTERM', () => stopper.ask('SIGTERM'))
    // A parent that holds our standard input open tells us by its end that it is gone.
    if (process.env.STOP_WITH_PARENT) process.stdin.on('end', () => stopper.ask('parent gone')).resume()
    stopper.started(await commands.run())
  } catch (error) {
    refuseStart(log, command, error)
  }
}

/** What is wrong and what to do, once; the stack of an error of the catalogue tells a person nothing. */
function refuseStart(log: Log, command: string | undefined, error: unknown): never {
  if (!(error instanceof MillraceError)) log.error('failed', { error })
  else if (command === 'run') log.error(error.message, { code: error.code })
  else process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

/** Ends the process when it is asked to, or when its service cannot go on. */
function createStopper(log: Log) {
  let service: Service | undefined
  let asked: string | undefined
  let isStopping = false

  function stop(code: number, why: string): void {
    if (isStopping || !service) return
    isStopping = true
    log.info('stopping', { why })
    service.stop().then(
      () => process.exit(code),
      (error) => {
        log.error('stop failed', { error })
        process.exit(1)
      },
    )
  }

  function bound(): void {
    setTimeout(() => {
      log.error('the stop took too long and was cut off', { afterMs: stopMsMax })
      process.exit(1)
    }, stopMsMax)
  }

  function endUnlessStarted(why: string): void {
    setTimeout(() => {
      if (service) return
      log.warn('stopped before it had started', { why })
      process.exit(0)
    }, startMsMax)
  }

  return {
    ask(why: string): void {
      if (asked !== undefined) return
      asked = why
      bound()
      if (service) stop(0, why)
      else endUnlessStarted(why)
    },
    started(running: Service): void {
      service = running
      if (asked !== undefined) stop(0, asked)
      running.failed?.catch((error) => {
        if (isStopping) return
        log.error('cannot go on', { error })
        bound()
        stop(1, 'failed')
      })
    },
  }
}
