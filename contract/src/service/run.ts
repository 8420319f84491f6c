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
  commands: { check: () => unknown; run: () => Promise<Service>; setup?: () => Promise<void> },
): Promise<void> {
  try {
    if (command === 'check') {
      commands.check()
      process.stdout.write('configuration is valid\n')
      return
    }
    if (command === 'setup' && commands.setup) return await commands.setup()
    if (command !== 'run') {
      const setup = commands.setup ? ' | setup --config <file>' : ''
      process.stderr.write(`usage: run --config <file> | check --config <file>${setup}\n`)
      process.exit(2)
    }
    let service: Service | undefined
    let isStopping = false
    let asked: string | undefined
    const stop = (code: number, why: string) => {
      if (isStopping || !service) return
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
    // Asked while it still starts, it stops as soon as it has started.
    const ask = (why: string) => {
      asked ??= why
      stop(0, why)
    }
    process.on('SIGINT', () => ask('SIGINT'))
    process.on('SIGTERM', () => ask('SIGTERM'))
    // A parent that holds our standard input open tells us by its end that it is gone.
    if (process.env.STOP_WITH_PARENT) process.stdin.on('end', () => ask('parent gone')).resume()
    service = await commands.run()
    if (asked !== undefined) stop(0, asked)
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
