import { createHash } from 'node:crypto'
import type { Enrolment } from '@millrace/contract/join-token'
import { askFirst, fetchAuthority } from './authority.ts'
import { Slots } from './slots.ts'

/**
 * The first certificate of a gateway, by the token; its key is made here and stays here. Ended at any point, the same token goes on.
 * @returns the authority's certificate, PEM. @throws MillraceError AGENT_ENROL, and then the credential that was there stays
 */
export async function enrol(enrolment: Enrolment, { dataDir, name }: { dataDir: string; name: string }): Promise<string> {
  const ca = await fetchAuthority(enrolment)
  const slots = new Slots(dataDir)
  const token = `enrol-${createHash('sha256').update(enrolment.secret).digest('hex').slice(0, 16)}`
  const key = slots.requestKey(token)
  const certificate = await askFirst(enrolment, { name, key, ca })
  slots.put('current', { key, certificate })
  slots.dropNext()
  slots.forgetKeys(token)
  return ca
}
