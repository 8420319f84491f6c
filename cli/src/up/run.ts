/** The command `up`: starts everything, says what it waits for, and stops everything when it is asked to. */
import { up } from './up.ts'

export const upOptions = {
  scenario: { type: 'string' },
  port: { type: 'string', default: '8080' },
  webhook: { type: 'string' },
} as const

interface Given {
  data: string
  scenario?: string | undefined
  port: string
  webhook?: string | undefined
}

/** Between two lines while something is not ready. */
const waitingMs = 3000

export async function runUp({ data, scenario, port, webhook }: Given): Promise<number> {
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const { promise: asked, resolve: stop } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop())
  watchStarter(stop)
  say('Starting Millrace ...')
  const startedMs = performance.now()
  let waiting = ['the data folder']
  const saying = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    say(`waiting for ${waiting.join(', ')} (${seconds} s); see ${data}/logs`)
  }, waitingMs)
  const starting = up(
    {
      ...{ data, port: Number(port), onAsked: stop },
      ...(scenario ? { scenario } : {}),
      ...(webhook ? { webhook } : {}),
      onWaiting: (names) => {
        waiting = names
      },
    },
    say,
  )
  const running = await Promise.race([starting, asked])
  clearInterval(saying)
  if (running) {
    say(
      `\n  Millrace runs:  ${running.url}\n\n  manifest        ${running.manifest()}\n  processes       ${JSON.stringify(running.pids())}`,
    )
    say(
      '\n  Nobody has to log in: everybody on this machine is admin, as a demonstration. The first `millrace user add` ends that.',
    )
    say('\n  Kill any of them with kill -9 and watch the ledger. Ctrl-C stops everything.\n')
    await asked
    say('Stopping ...')
    await running.stop()
  }
  say('Stopped.')
  // Children that were still starting end with our end of their standard input.
  process.exit(0)
}

/** `start/run.mjs` says that it started this process, which must not outlive it. */
function watchStarter(gone: () => void): void {
  if (process.env.STARTED_BY !== `${process.ppid}`) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) gone()
  }, 250).unref()
}
