/**
 * The worker's side of `worker.ts`: does what it is asked, in the order of the calls. An entry of its own
 * (`@millrace/platform/worker-side`): a worker would pay for the libraries of the others at every start.
 */
import { parentPort } from 'node:worker_threads'
import type { ErrorCode } from './errors.ts'

/** Why a call failed, in a form that crosses threads: it becomes a MillraceError where it was asked for. */
export interface Failure {
  code: ErrorCode
  values: Record<string, string | number>
}

export class Refusal extends Error implements Failure {
  readonly code: ErrorCode
  readonly values: Failure['values']
  constructor(code: ErrorCode, values: Failure['values']) {
    super(code)
    this.code = code
    this.values = values
  }
}

/** `[call number, what is asked]`; call 0 asks nothing and ends the worker. */
export type Asked<Ask> = [call: number, ask?: Ask]
/** `[call number, answer, failure]`; call 0 is what the worker says when it has started, or why it has not. */
export type Answered = [call: number, answer: unknown, failure?: Failure]

export interface Served<Ask> {
  /** Of the start. */
  opened?: unknown
  answer(ask: Ask): unknown
  /** When the answer has been sent. */
  answered?(ask: Ask): void
  close?(): unknown
}

/** An answer whose buffers change threads without being copied. */
export class Moved {
  readonly answer: unknown
  readonly buffers: ArrayBuffer[]
  constructor(answer: unknown, buffers: ArrayBuffer[]) {
    this.answer = answer
    this.buffers = buffers
  }
}

/** @param failureOf of an error that is not a Refusal. */
export function serveCalls<Ask>(open: () => Served<Ask>, failureOf: (cause: unknown) => Failure): void {
  const port = parentPort!
  const send = (...answered: Answered) => port.postMessage(answered)
  const refuse = (call: number, cause: unknown) => {
    const { code, values } = cause instanceof Refusal ? cause : failureOf(cause)
    send(call, undefined, { code, values })
  }
  try {
    const served = open()
    port.on('message', async ([call, ask]: Asked<Ask>) => {
      if (call === 0) {
        await served.close?.()
        return port.close()
      }
      try {
        const given = served.answer(ask!)
        const answer = given instanceof Promise ? await given : given
        if (answer instanceof Moved) port.postMessage([call, answer.answer] satisfies Answered, answer.buffers)
        else send(call, answer)
      } catch (cause) {
        refuse(call, cause)
      }
      served.answered?.(ask!)
    })
    send(0, served.opened)
  } catch (cause) {
    refuse(0, cause)
  }
}
