import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { freePort } from '@millrace/platform/testing/free-port'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 }) // processes start slowly on a busy machine

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-main-'))
})
afterEach(() => rm(dir, { recursive: true }))
const at = (name: string) => join(dir, name)

const start = (...args: string[]) => spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url)), ...args])

async function call(args: string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  const child = start(...args)
  child.stdin.end(input)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, out, err }
}

test('users are added from standard input or a file, and a known one keeps its role', async () => {
  const [users, file] = [at('users'), at('password')]
  await writeFile(file, 'second\n')
  expect(await call(['passwd', users, 'bed1', '--role', 'node', '--args', 'ward/bed1'], 'first\n')).toMatchObject({
    code: 0,
    err: '',
  })
  const first = await readFile(users, 'utf8')
  expect(await call(['passwd', users, 'bed1', '--password-file', file])).toMatchObject({ code: 0, err: '' })
  const second = await readFile(users, 'utf8')
  expect(second).not.toBe(first)
  expect(second).toMatch(/^bed1:scrypt:.*:node:ward\/bed1\n$/)
  expect((await call(['passwd', users, 'bed2'], 'x\n')).err).toContain('BROKER_USER_INVALID: User bed2: a role is one of')
  expect((await call(['passwd', users, 'bed1'], '\n')).err).toContain('the password is empty')
})

test('check says ok, or what is wrong', async () => {
  await writeFile(at('good.yaml'), 'listen: { port: 18830 }\n')
  expect(await call(['check', '--config', at('good.yaml')])).toMatchObject({
    code: 0,
    out: 'listens on 127.0.0.1:18830, 0 users\nconfiguration is valid\n',
  })
  await writeFile(at('bad.yaml'), 'limits: { packetBytes: 0 }\n')
  expect((await call(['check', '--config', at('bad.yaml')])).err).toContain('limits.packetBytes = 0')
  await writeFile(at('open.yaml'), 'listen: { host: 0.0.0.0 }\n')
  expect(await call(['check', '--config', at('open.yaml')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('LISTENER_NOT_LOOPBACK'),
  })
  expect(await call([])).toMatchObject({ code: 2, err: expect.stringContaining('usage:') })
})

test('run says one line with the port, serves its health, and stops cleanly while a client is connected', async () => {
  const metricsPort = await freePort()
  await call(['passwd', at('users'), 'a', '--role', 'admin'], 'p\n')
  await writeFile(at('c.yaml'), `listen: { port: 0 }\nusers: ${at('users')}\nmetrics: { port: ${metricsPort} }\n`)
  const child = start('run', '--config', at('c.yaml'))
  const gone = once(child, 'exit')
  const [line] = (await once(child.stderr, 'data')) as [Buffer]
  const said = JSON.parse(String(line))
  expect(said).toMatchObject({ level: 'info', component: 'broker', message: 'listening', metricsPort })
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${said.port}`, { username: 'a', password: 'p', reconnectPeriod: 0 })
  const page = async (path: string) => (await fetch(`http://127.0.0.1:${metricsPort}${path}`)).text()
  expect(JSON.parse(await page('/health'))).toMatchObject({ status: 'ok', clients: 1 })
  expect(await page('/metrics')).toContain('millrace_broker_clients 1\n')
  child.kill('SIGTERM')
  expect(await gone).toEqual([0, null])
  await client.endAsync(true)
})

test('refusals says who was refused what, or that nobody answers', async () => {
  const [port, metricsPort] = [await freePort(), await freePort()]
  await writeFile(at('b.yaml'), JSON.stringify({ listen: { port }, metrics: { port: metricsPort } }))
  const asked = () => call(['refusals', '--config', at('b.yaml')])
  expect(await asked()).toMatchObject({ code: 1, err: expect.stringContaining('BROKER_METRICS_UNAVAILABLE') })
  const broker = start('run', '--config', at('b.yaml'))
  await once(broker.stderr, 'data')
  const options = { username: 'eve', password: 'x', clientId: 'c1', reconnectPeriod: 0, protocolVersion: 4 as const }
  await expect(mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options, false)).rejects.toThrow()
  const { code, out } = await asked()
  broker.kill('SIGTERM')
  await once(broker, 'exit')
  expect(code).toBe(0)
  expect(out).toMatch(/^\S+Z {2}1 times {2}bad-credentials {2}"eve" at 127\.0\.0\.1, client "c1"\n$/)
})

test('a password is replaced while its gateway is connected: the second is added, used, and the older one ends', async () => {
  const [port, users] = [await freePort(), at('users')]
  await call(['passwd', users, 'bed1', '--role', 'node', '--args', 'ward/bed1'], 'first\n')
  await writeFile(at('b.yaml'), JSON.stringify({ listen: { port }, users }))
  const run = async () => {
    const broker = start('run', '--config', at('b.yaml'))
    await once(broker.stderr, 'data')
    return broker
  }
  const stop = async (broker: Awaited<ReturnType<typeof run>>) => {
    broker.kill('SIGTERM')
    await once(broker, 'exit')
  }
  const enter = async (password: string) => {
    const options = { username: 'bed1', password, reconnectPeriod: 0, protocolVersion: 4 as const }
    return (await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options, false)).on('error', () => {})
  }
  expect(await call(['passwd', users, 'bed1', '--add'], 'second\n')).toMatchObject({ code: 0, err: '' })
  let broker = await run()
  const [old, fresh] = [await enter('first'), await enter('second')]
  await Promise.all([old, fresh].map((client) => client.endAsync(true)))
  await stop(broker)
  expect((await call(['passwords', users])).out).toMatch(/^(bed1 {2}node {2}[0-9a-f]{8} {2}used 20\S+Z\n){2}$/)
  broker = await run()
  const [left, stays] = [await enter('first'), await enter('second')]
  const gone = new Promise<void>((resolve) => left.once('close', () => resolve()))
  const [, older] = /([0-9a-f]{8})/.exec((await call(['passwords', users])).out)!
  expect(await call(['retire', users, 'bed1'])).toMatchObject({ code: 0, out: `the password ${older} of bed1 has ended\n` })
  await gone
  expect(stays.connected).toBe(true)
  await expect(enter('first')).rejects.toMatchObject({ code: 4 })
  await stays.endAsync(true)
  await stop(broker)
  expect((await call(['passwords', users])).out.match(/\n/g)).toHaveLength(1)
})
