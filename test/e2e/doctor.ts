/**
 * `millrace-agent doctor` says what is wrong, and what to do: each fault is made, of real processes, ports and certificates.
 * `npm run break -- doctor`
 */
import { execFile, spawn } from 'node:child_process'
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { parse, stringify } from 'yaml'
import { run } from '../engines/command.ts'
import { layOut, programsOf } from '../support/installation.ts'
import { program } from '../support/program.ts'
import { realProcess } from '../support/real-process.ts'

readArguments({ call: 'npm run break -- doctor' }, {})

interface Finding {
  check: string
  level: string
  says: string
  remedy?: string
}

interface Diagnosis {
  code: number
  findings: Finding[]
}

const scenario = { name: 'doctor', distinct: true, devices: [{ kind: 'contec-cms50', name: 'bed', count: 1 }] }
const agentMain = fileURLToPath(import.meta.resolve('@millrace/edge-agent/main'))
const nobody = 65_534

await program('doctor', async (test) => {
  const { dir, check, say, atEnd } = test
  const layout = await layOut(dir, { scenario })
  const onUnexpectedEnd = (name: string, how: string) => check(false, `${name} ended by itself: ${how}`)
  const { simulator, broker, processor, agent } = programsOf(layout, { onUnexpectedEnd, manifest: 'manifest.jsonl' })
  for (const each of [broker, processor, simulator, agent]) atEnd(() => each.stop())
  const config = parse(readFileSync(layout.path('agent.yaml'), 'utf8'))
  const [bed] = config.devices
  let number = 0

  /** With these keys changed. */
  async function ask(change: object = {}, uid?: number): Promise<Diagnosis> {
    const file = join(dir, `doctor-${++number}.yaml`)
    writeFileSync(file, stringify({ ...config, ...change }), { mode: 0o644 })
    return diagnosis(['doctor', '--json', '--config', file], uid)
  }
  async function finds(what: string, asked: Promise<Diagnosis>, name: string, text: RegExp): Promise<void> {
    const { code, findings } = await asked
    const found = findings.find((finding) => finding.check === name && finding.level !== 'ok' && text.test(finding.says))
    const isWrong = found?.level !== 'wrong' || code === 1
    check(
      found?.remedy !== undefined && isWrong,
      `${what}: ${found ? `${found.says} → ${found.remedy}` : JSON.stringify(findings)}`,
    )
  }
  async function isWell(what: string, asked: Promise<Diagnosis>): Promise<void> {
    const { code, findings } = await asked
    const wrong = findings.filter(({ level }) => level === 'wrong').map(({ says }) => says)
    check(code === 0, `${what}: exit code ${code}, ${findings.length} findings${wrong.length > 0 ? `: ${wrong.join('; ')}` : ''}`)
  }
  const withBus = (bus: object, decoder = bed.decoder) => ({ devices: [{ id: 'x', bus, decoder }] })
  const withUplink = (change: object) => ({ uplink: { ...config.uplink, ...change } })

  await simulator.start()
  await finds('no broker', ask(), 'network', /nothing listens there/)
  await finds(
    'an unknown name',
    ask(withUplink({ insecure: true, url: 'mqtt://broker.invalid:1883' })),
    'network',
    /broker\.invalid is not known/,
  )
  await broker.start()
  await finds('no processor', ask(), 'processor', /no receipt of millrace/)
  await processor.start()
  await isWell('all is there', ask())
  await finds('a wrong password', ask(withUplink({ password: 'wrong-password' })), 'broker', /refuses the account/)
  await finds('another node', ask({ node: 'other' }), 'broker', /may not be the node test\/other/)
  await finds('a misspelt key', ask({ devises: [] }), 'configuration', /devises/)
  await finds('no port', ask(withBus({ kind: 'serial', path: '/dev/none' })), 'device', /there is no \/dev\/none/)
  await finds('another instrument', ask(withBus(bed.bus, { kind: 'nmea-0183' })), 'device', /Nothing that the device x sends/)
  await finds('a device that is off', ask(withBus(await silentDevice(atEnd))), 'device', /nothing comes/)

  const port = openSync(bed.bus.path, 'r+')
  const holder = spawn('sleep', ['600'], { stdio: [port, 'ignore', 'ignore'] })
  closeSync(port)
  atEnd(() => holder.kill())
  await finds('a port that is held', ask(), 'device', new RegExp(`is held by sleep \\(${holder.pid}\\)`))
  holder.kill()

  await checkTls()
  await checkRights()
  await agent.start()
  await isWell('beside the agent that runs', ask())

  async function checkTls(): Promise<void> {
    const port = await freePort()
    const data = join(dir, 'lan')
    const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))
    await run(process.execPath, [cli, 'broker', 'open', '--data', data, '--port', `${port}`])
    const secure = realProcess({
      name: 'secure-broker',
      command: process.execPath,
      args: [fileURLToPath(import.meta.resolve('@millrace/broker/main')), 'run', '--config', join(data, 'broker.yaml')],
      readyWhen: /"listening"/,
      logFile: layout.path('logs/secure-broker.log'),
      onUnexpectedEnd: (how) => check(false, `the broker ended by itself: ${how}`),
    })
    atEnd(() => secure.stop())
    await secure.start()
    const caFile = join(data, 'ca/ca.crt')
    const tls = (change: object) => ask(withUplink({ url: `mqtts://127.0.0.1:${port}`, caFile, ...change }))
    await finds('another name', tls({ url: `mqtts://127.0.0.2:${port}` }), 'tls', /not for 127\.0\.0\.2/)
    await finds('no authority', tls({ caFile: undefined }), 'tls', /not trusted here/)
    await finds('no TLS there', tls({ url: config.uplink.url.replace('mqtt:', 'mqtts:') }), 'tls', /does not speak TLS/)
    await finds('no account there', tls({}), 'broker', /refuses the account/)
  }

  /** As a user who may do nothing. */
  async function checkRights(): Promise<void> {
    if (process.getuid?.() !== 0) return say('not run: rights of another user, which root alone can take')
    chmodSync(dir, 0o755)
    const dataDir = '/proc/none'
    await finds('a folder that cannot be made', ask({ dataDir }), 'disk', /cannot be written/)
    await finds('a folder of another user', ask({ dataDir: join(dir, 'mine') }, nobody), 'disk', /EACCES/)
    chmodSync(bed.bus.path, 0o600)
    await finds('a port of another group', ask({ dataDir: '/tmp' }, nobody), 'device', /may not read and write/)
    chmodSync(bed.bus.path, 0o666)
  }
})

function diagnosis(args: string[], uid?: number): Promise<Diagnosis> {
  return new Promise((resolve, reject) => {
    const as = uid === undefined ? {} : { uid, gid: uid }
    execFile(process.execPath, [agentMain, ...args], as, (error, out, err) => {
      try {
        resolve({ code: error ? Number(error.code) : 0, findings: JSON.parse(out).findings })
      } catch {
        reject(new Error(`the doctor gave no answer: ${out}${err}`))
      }
    })
  })
}

/** On a line of TCP. */
async function silentDevice(atEnd: (end: () => unknown) => void): Promise<object> {
  const server = createServer(() => {})
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  atEnd(() => server.close())
  return { kind: 'tcp', host: '127.0.0.1', port }
}
