/** Answers that are being written: live views, exports. Each ends as soon as the one who asked would not be let in again. */
import type { ServerResponse } from 'node:http'
import type { Identities, Identity } from './identity.ts'

export class OpenAnswers {
  readonly #open = new Map<ServerResponse, Identity>()
  readonly #identities: Identities

  constructor(identities: Identities) {
    this.#identities = identities
  }

  add(response: ServerResponse, identity: Identity): void {
    this.#open.set(response, identity)
    response.once('close', () => this.#open.delete(response))
  }

  endRevoked(): void {
    for (const [response, identity] of this.#open) if (!this.#identities.isOn(identity)) response.destroy()
  }
}
