import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { agentSchema } from '../config.ts'
import { checkCredential } from './credential.ts'

const dayMs = 86_400_000

test('the certificate of the gateway is told of by the days that it still has', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-credential-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  const config = agentSchema.parse({ dataDir, uplink: { enrolment: { url: 'https://h:8884' } } })
  const levelAfter = (days: number) => checkCredential(config, Date.now() + days * dayMs).map(({ level }) => level)
  expect(levelAfter(0)).toEqual(['wrong'])
  mkdirSync(join(dataDir, 'credential'))
  const [key, crt] = [join(dataDir, 'k'), join(dataDir, 'c')]
  const made = ['-subj', '/CN=g', '-days', '14', '-keyout', key, '-out', crt]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...made], {
    stdio: 'ignore',
  })
  writeFileSync(join(dataDir, 'credential/current.pem'), readFileSync(key, 'utf8') + readFileSync(crt, 'utf8'))
  expect([0, 12, 15].map((days) => levelAfter(days)[0])).toEqual(['ok', 'warning', 'warning'])
  expect(checkCredential(agentSchema.parse({}), Date.now())).toEqual([])
})
