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
      const error = fields.error instanceof Error ? { error: fields.error.message } : {}
      write(`${JSON.stringify({ time: new Date().toISOString(), level, component, message, ...fields, ...error })}\n`)
    }
  return { info: line('info'), warn: line('warn'), error: line('error') }
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }
