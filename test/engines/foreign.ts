/** An engine that runs already, named by `ENGINE_<NAME>`. */
import type { Engine, RunningEngine } from './engine.ts'

/**
 * It is never ended, and a test that wants to kill it is told so.
 * @throws Error when `where` is neither `host:port` nor, for what speaks HTTP, a URL.
 */
export function foreign(
  { variable, protocol }: Pick<Engine, 'variable' | 'protocol'>,
  where: string,
  dir: string,
): RunningEngine {
  const [, scheme, hostAndPort] = /^(?:(https?):\/\/)?([^/\s:]+:\d+|\[[\da-f:]+\]:\d+)\/*$/.exec(where) ?? []
  if (!hostAndPort || (scheme && protocol !== 'http')) {
    throw new Error(`${variable}=${where}: give host:port${protocol === 'http' ? ' or http://host:port' : ''}.`)
  }
  const refuse = () => {
    throw new Error(`The engine at ${where} was started by another program, which alone may end it.`)
  }
  const refuseLater = async () => refuse()
  return {
    address: protocol === 'http' ? `${scheme ?? 'http'}://${hostAndPort}` : hostAndPort,
    dir,
    pid: undefined,
    stop: async () => {},
    kill: refuseLater,
    restart: refuseLater,
    freeze: refuse,
    resume: refuse,
  }
}
