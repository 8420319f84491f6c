/** A running engine for a test: one that runs already, else one of this machine, else why there is none. */
import type { Engine, RunningEngine, StartOptions } from './engine.ts'
import { engines } from './engines.ts'
import { foreign } from './foreign.ts'

export interface Missing {
  /** What is missing and how to get it, in a sentence. */
  missing: string
}

type Engines = typeof engines
type OptionsOf<E> = E extends { start(options: infer O): unknown } ? O : never
type RunningOf<E> = E extends { start(options: never): Promise<infer R> } ? R : never

/**
 * Uses the engine that `ENGINE_<NAME>` names, else starts the one that is found, else gets it first when `ENGINES_GET=1`
 * allows that. Throws when it is there and does not start: that is a fault, not a missing engine.
 */
export interface Obtain {
  /** With the options of that engine and what it alone tells, such as Kafka's `secure`. */
  <N extends keyof Engines>(
    name: N,
    options: OptionsOf<Engines[N]>,
    say?: (text: string) => void,
  ): Promise<RunningOf<Engines[N]> | Missing>
  /** Whichever it is. */
  (name: keyof Engines, options: StartOptions, say?: (text: string) => void): Promise<RunningEngine | Missing>
}

export const obtain = obtainAny as Obtain

async function obtainAny(name: keyof Engines, options: StartOptions, say = (_text: string): void => {}) {
  const engine: Engine = engines[name]
  const elsewhere = process.env[engine.variable]
  if (elsewhere) return foreign(engine, elsewhere, options.dir)
  const remedy = `Run: npm run engines -- ${name}, or set ${engine.variable}=host:port of one that runs.`
  if (!(await engine.find())) {
    if (process.env.ENGINES_GET !== '1') return { missing: `${name} is not there. ${remedy}` }
    try {
      await engine.get(say)
    } catch (error) {
      return { missing: `${name} is unavailable: ${(error as Error).message} ${remedy}` }
    }
  }
  return engine.start(options)
}

export function isMissing(answer: RunningEngine | Missing): answer is Missing {
  return 'missing' in answer
}
