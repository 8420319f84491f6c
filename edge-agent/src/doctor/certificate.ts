/** What the certificate of the broker says, and whether the agent would take it. */
import type { PeerCertificate } from 'node:tls'
import { type Finding, ok, warning, wrong } from './finding.ts'

const dayMs = 86_400_000
const soonDays = 14

export interface Seen {
  peer: PeerCertificate
  untilMs: number
  /** Node's own verdict, null when it would be taken. */
  error: string | Error | null
  host: string
  hasCa: boolean
  nowMs: number
}

export function certificateFindings({ peer, untilMs, error, host, hasCa, nowMs }: Seen): Finding[] {
  const days = Math.floor((untilMs - nowMs) / dayMs)
  const code = error === null ? undefined : `${(error as NodeJS.ErrnoException).code ?? error}`
  if (code !== undefined) return [refused(code, { peer, host, hasCa })]
  if (days >= soonDays) return [ok('tls', `the certificate is for ${host}, for ${days} more days`)]
  return [warning('tls', `the certificate of ${host} ends in ${days} days`, 'Renew it on the broker.')]
}

function refused(code: string, { peer, host, hasCa }: Pick<Seen, 'peer' | 'host' | 'hasCa'>): Finding {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = peer.subjectaltname?.replaceAll(/(DNS|IP Address):/g, '') ?? peer.subject.CN
    const remedy = `Use one of these names in uplink.url, or make a certificate that has ${host}.`
    return wrong('tls', `the certificate is for ${names}, not for ${host}`, remedy)
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const says = `the certificate is valid from ${peer.valid_from} to ${peer.valid_to}`
    return wrong('tls', says, 'Renew it on the broker; if it should be valid, set the clock of this gateway.')
  }
  const says = `the certificate is of an authority that is not trusted here: ${peer.issuer.CN ?? peer.issuer.O} (${code})`
  const remedy = hasCa
    ? 'uplink.caFile is of another authority: copy that of this broker.'
    : 'Name the authority’s certificate in uplink.caFile.'
  return wrong('tls', says, remedy)
}
