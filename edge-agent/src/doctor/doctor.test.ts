/** What cannot be made of real processes; the rest: `npm run break -- doctor`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { agentSchema } from '../config.ts'
import { certificateFindings } from './certificate.ts'
import { checkClock, checkOffset } from './clock.ts'
import { checkDisk } from './disk.ts'

test('a clock of 1970 is wrong, and so is one that is a minute off the processor', async () => {
  expect(await checkClock(86_400_000)).toMatchObject({
    level: 'wrong',
    says: 'it is 1970-01-02T00:00:00.000Z: the clock was not set after a start',
  })
  expect(checkOffset(-60_000)).toMatchObject([{ level: 'wrong', says: "the processor's clock is 60000 ms behind this one" }])
  expect(checkOffset(20)).toMatchObject([{ level: 'ok' }])
  expect(checkOffset(undefined)).toEqual([])
})

test('a disk with less room than the outbox may take is told with the bound that fits', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-doctor-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  const levels = (outbox: object) => checkDisk(agentSchema.parse({ dataDir, outbox })).map(({ level, remedy }) => [level, remedy])
  expect(levels({}).at(-1)).toEqual(['ok', undefined])
  expect(levels({ bytesMax: 2 ** 50 }).at(-1)).toEqual([
    'warning',
    expect.stringMatching(/^Free disk space, or set outbox.bytesMax to \d+:/),
  ])
  expect(levels({ freeDiskMin: 2 ** 50 }).at(-1)![0]).toBe('wrong')
})

test('a certificate that ends soon, has ended, or is not valid yet', () => {
  const nowMs = Date.UTC(2026, 11, 1)
  const of = (untilMs: number, error: string | null) => {
    const names = { subjectAltName: undefined, subject: 'CN=h', issuer: 'CN=a', validFrom: 'Nov 1', validTo: 'then' }
    return certificateFindings({ peer: { ...names, validToDate: new Date(untilMs) }, error, host: 'h', hasCa: true, nowMs })[0]
  }
  expect(of(Date.UTC(2026, 11, 31), null)).toMatchObject({ level: 'ok' })
  expect(of(Date.UTC(2026, 11, 6), null)).toMatchObject({ level: 'warning', says: 'the certificate of h ends in 5 days' })
  expect(of(Date.UTC(2026, 10, 30), 'CERT_HAS_EXPIRED')).toMatchObject({
    level: 'wrong',
    remedy: expect.stringContaining('set the clock'),
  })
  expect(of(nowMs, 'ERR_TLS_CERT_ALTNAME_INVALID')?.says).toBe('the certificate is for h, not for h')
})
