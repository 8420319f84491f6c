/** In whose name something is ordered. */
import { MillraceError } from '@millrace/platform'
import type { FastifyRequest } from 'fastify'
import type { AuditEntry, People } from '../people/index.ts'
import { identityOf } from './access.ts'

/**
 * An account signs with its name. Behind `web.credential`, or with no login at all, several people may sit: they say who they are.
 * @param said by the request. @throws MillraceError WEB_BODY
 */
export function signature(request: FastifyRequest, said: string | undefined): string {
  const { kind, name } = identityOf(request)
  if (kind === 'session' || kind === 'password') return name
  const by = said ?? (kind === 'credential' ? name : undefined)
  if (by === undefined) throw new MillraceError('WEB_BODY', { detail: 'by: is required where nobody has logged in.' })
  return by
}

/** Before it is done: what cannot be told in the trail is not done. @param said see `signature` */
export function audit(
  people: People,
  request: FastifyRequest,
  { said, ...entry }: Omit<AuditEntry, 'by'> & { said?: string },
): void {
  const { kind, name } = identityOf(request)
  const by = kind === 'session' || kind === 'password' || said === undefined || said === name ? name : `${name} (signed ${said})`
  people.audit({ ...entry, by })
}
