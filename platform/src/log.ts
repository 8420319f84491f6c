/** One JSON line an event on standard error. INFO: what an operator did. WARN: odd, nothing lost. ERROR: something lost or a person must act. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

export function createLog(component: string, write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  const line =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      const ofError = fields.error instanceof Error ? fieldsOf(fields.error) : {}
      write(`${JSON.stringify({ time: new Date().toISOString(), level, component, message, ...fields, ...ofError })}\n`)
    }
  return { info: line('info'), warn: line('warn'), error: line('error') }
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }

/** So many errors that caused each other are written; a circle of them ends here too. */
const causesMax = 5

/** `error`: what it says, `code`, `cause`: what its causes say, the nearest first, `stack`: theirs behind its own. */
function fieldsOf(error: Error): Record<string, unknown> {
  const causes: unknown[] = []
  for (let at = error.cause; at !== undefined && at !== null && causes.length < causesMax; at = (at as Error).cause)
    causes.push(at)
  const { code } = error as { code?: unknown }
  return {
    error: error.message,
    ...(code === undefined ? {} : { code }),
    ...(causes.length === 0
      ? {}
      : { cause: causes.map((cause) => (cause instanceof Error ? cause.message : `${cause}`)).join(' <- ') }),
    stack: [error, ...causes].map((one) => (one instanceof Error ? one.stack : `${one}`)).join('\ncaused by: '),
  }
}
