/**
 * `replay rejected` tries rejected messages again: after a fix they reach the store, a second time changes nothing.
 * `replay check` runs prepare and rules over the whole log again, here, and compares with what they made then: the same log
 * gives the same result.
 */
import type { Api } from './api.ts'

export interface Outcome {
  isSame: boolean
  text: string
  [figure: string]: unknown
}

export async function replay(api: Api, what: string | undefined, reason: string | undefined): Promise<Outcome> {
  if (what === 'rejected') {
    const { replayed } = await api.replayRejected('command line', reason)
    return { isSame: true, replayed, text: `${replayed} rejected messages were put before prepare again.` }
  }
  throw new Error('replay what? `rejected`, or `check`.')
}
