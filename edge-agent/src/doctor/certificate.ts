/** What the certificate of the broker says, and whether the agent would take it. */
import type { X509Certificate } from 'node:crypto'
import { type Finding, ok, warning, wrong } from './finding.ts'

const dayMs = 86_400_000
const soonDays = 14

export interface Seen {
  peer: Pick<X509Certificate, 'subjectAltName' | 'subject' | 'issuer' | 'validFrom' | 'validTo' | 'validToDate'>
  /** Node's own verdict, null when it would be taken. */
  error: string | Error | null
  host: string
  hasCa: boolean
  nowMs: number
}

export function certificateFindings({ peer, error, host, hasCa, nowMs }: Seen): Finding[] {
  const days = Math.floor((peer.validToDate.getTime() - nowMs) / dayMs)
  const code = error === null ? undefined : `${(error as NodeJS.ErrnoException).code ?? error}`
  if (code !== undefined) return [refused(code, { peer, host, hasCa })]
  if (days >= soonDays) return [ok('tls', `the certificate is for ${host}, for ${days} more days`)]
  return [warning('tls', `the certificate of ${host} ends in ${days} days`, 'Renew it on the broker.')]
}

function refused(code: string, { peer, host, hasCa }: Pick<Seen, 'peer' | 'host' | 'hasCa'>): Finding {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = peer.subjectAltName?.replaceAll(/(DNS|IP Address):/g, '') ?? commonName(peer.subject)
    const remedy = `Use one of these names in uplink.url, or make a certificate that has ${host}.`
    return wrong('tls', `the certificate is for ${names}, not for ${host}`, remedy)
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const says = `the certificate is valid from ${peer.validFrom} to ${peer.validTo}`
    return wrong('tls', says, 'Renew it on the broker; if it should be valid, set the clock of this gateway.')
  }
  const says = `the certificate is of an authority that is not trusted here: ${commonName(peer.issuer)} (${code})`
  const remedy = hasCa
    ? 'uplink.caFile is of another authority: copy that of this broker.'
    : 'Name the authority’s certificate in uplink.caFile.'
  return wrong('tls', says, remedy)
}

/** Of a name such as `O=Ward\nCN=Millrace`; without one, all of it. */
function commonName(name: string): string {
  return /^CN=(.*)$/m.exec(name)?.[1] ?? name
}
