import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '@millrace/platform'
import { SMTPServer } from 'smtp-server'
import { afterAll, afterEach, expect, test } from 'vitest'
import { exampleNotification, testNotifier } from '../conformance.ts'
import { email } from './email.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-email-'))
afterAll(() => rmSync(folder, { recursive: true }))
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})
const addresses = { from: 'millrace@example.org', to: ['nurse@example.org', 'doctor@example.org'] }

/** A real SMTP server. */
async function receiver(more: object = {}, answer?: number) {
  const mails: string[] = []
  const recipients: string[][] = []
  const users: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth({ username = '', password }, _, done) {
      users.push(`${username}:${password}`)
      done(null, { user: username })
    },
    onRcptTo: (_, __, done) => done(answer ? Object.assign(new Error('no'), { responseCode: answer }) : null),
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        mails.push(`${Buffer.concat(chunks)}`)
        recipients.push(session.envelope.rcptTo.map(({ address }) => address))
        done()
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.server.address() as AddressInfo
  const config = email.schema.parse({ kind: 'email', url: `smtp://127.0.0.1:${port}`, ...addresses, ...more })
  const notifier = email.create(config, { target: config.name, clock: systemClock, log: silentLog, pageUrl: 'https://m.example' })
  const header = (name: string) =>
    mails.map((text) => new RegExp(`^${name}: (.*)$`, 'mi').exec(text.replace(/\r\n[ \t]+/g, ' '))?.[1]?.trim() ?? '')
  return { notifier, mails, recipients, users, header, keys: () => header('X-Millrace-Key') }
}

testNotifier(email, { url: 'smtp://127.0.0.1:9', ...addresses }, receiver)

test('says in the subject what it is about, in the text since when and where to look, and a repeat is the same message', async () => {
  const { notifier, mails, recipients, header } = await receiver()
  const signal = new AbortController().signal
  for (let k = 0; k < 2; k++) await notifier.send(exampleNotification(), signal)
  expect(recipients[0]).toEqual(addresses.to)
  expect(header('Subject')[0]).toBe('[high] anna: spo2 84 % below 88 % for 5 s')
  expect(mails[0]!.replace(/=\r\n/g, '')).toContain('https://m.example/#/alarms')
  expect(header('Message-ID')[0]).toBe(header('Message-ID')[1])
  expect(header('Message-ID')[0]).toMatch(/@example\.org>$/)
})

test('a line break in a name makes no header', async () => {
  const { notifier, mails } = await receiver()
  await notifier.send(exampleNotification({ text: 'low\r\nBcc: all@example.org' }), new AbortController().signal)
  expect(mails[0]!.split('\n\n')[0]!.split('\r\n\r\n')[0]).not.toMatch(/^Bcc:/im)
})

test('the password is read from its file', async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'secret\n', { mode: 0o600 })
  const { notifier, users } = await receiver({ user: 'millrace', passwordFile })
  await notifier.send(exampleNotification(), new AbortController().signal)
  expect(users).toEqual(['millrace:secret'])
})

test.each([
  [550, 'NOTIFY_REFUSED'],
  [451, 'NOTIFY_UNREACHABLE'],
])('the answer %i is %s', async (answer, code) => {
  const { notifier } = await receiver({}, answer)
  await expect(notifier.send(exampleNotification(), new AbortController().signal)).rejects.toMatchObject({ code })
})

test('nobody there is tried again', async () => {
  const config = email.schema.parse({ kind: 'email', url: 'smtp://127.0.0.1:9', ...addresses })
  const notifier = email.create(config, { target: 'email', clock: systemClock, log: silentLog })
  await expect(notifier.send(exampleNotification(), new AbortController().signal)).rejects.toMatchObject({
    code: 'NOTIFY_UNREACHABLE',
  })
})
