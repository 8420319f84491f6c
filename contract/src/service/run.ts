/** The life of a process, the same for all of ours: check or run, a clean stop on SIGINT and SIGTERM, a clear last line on failure. */
import { MillraceError } from './errors.ts'
import type { Log } from './log.ts'

export interface Service {
  stop(): Promise<void>
  /** Rejects when the service cannot go on. */
  failed?: Promise<never>
}

/** How long a clean stop may take before the process ends without it. */
const stopMsMax = 10_000

/** Exit codes: 0 stopped as asked, 1 failed, 2 wrong use. */
export async function runService(
  log: Log,
  command: string | undefined,
  commands: { check: () => unknown; run: () => Promise<Service> },
): Promise<void> {
  try {
    if (command === 'check') {
      commands.check()
      process.stdout.write('configuration is valid\n')
      return
    }
    if (command !== 'run') {
      process.stderr.write('usage: run --config <file> | check --config <file>\n')
      process.exit(2)
    }
    const service = await commands.run()
    let isStopping = false
    const stop = (code: number, why: string) => {
      if (isStopping) return
      isStopping = true
      log.info('stopping', { why })
      setTimeout(() => process.exit(code || 1), stopMsMax).unref()
      service.stop().then(
        () => process.exit(code),
        (error) => {
          log.error('stop failed', { error })
          process.exit(1)
        },
      )
    }
    process.on('SIGINT', () => stop(0, 'SIGINT'))
    process.on('SIGTERM', () => stop(0, 'SIGTERM'))
    // A parent that holds our standard input open tells us by its end that it is gone.
    if (process.env.STOP_WITH_PARENT) process.stdin.on('end', () => stop(0, 'parent gone')).resume()
    service.failed?.catch((error) => {
      log.error('cannot go on', { error })
      stop(1, 'failed')
    })
  } catch (error) {
    if (error instanceof MillraceError) log.error(error.message, { code: error.code })
    else log.error('failed', { error, stack: error instanceof Error ? error.stack : undefined })
    process.exit(1)
  }
}
