/**
 * aedes answers a PUBLISH of QoS 1 before it routes or stores it; only `authorizePublish` can hold it. So that is where a message is kept:
 * no PUBACK goes out for one that is not durable, and when it cannot be, its publisher is closed and sends it again.
 * QoS 0 goes straight through.
 */
import type { AedesOptions } from 'aedes'
import type { Counts } from './counts.ts'
import type { DurableSessions } from './sessions/durable.ts'

type Hooks = Required<Pick<AedesOptions, 'authorizePublish' | 'authorizeForward'>>

export function keeping<H extends Hooks>(sessions: DurableSessions, hooks: H, counts: Pick<Counts, 'refused'>): H {
  return {
    ...hooks,
    authorizePublish(client, packet, done) {
      if (packet.qos === 0) return hooks.authorizePublish(client, packet, done)
      hooks.authorizePublish(client, packet, (error) => {
        const kept = error ? undefined : sessions.keep(client, packet)
        if (!kept) return done(error)
        kept.then(
          () => done(null),
          (cause) => {
            counts.refused('store-failed', { clientId: client?.id, cause })
            done(new Error('store-failed'))
          },
        )
      })
    },
    authorizeForward: (client, packet) => (sessions.brings(client, packet) ? null : hooks.authorizeForward(client, packet)),
  }
}
