/** An installation by `millrace broker open`: broker, endpoint of the authority, and gateways, all by one wall clock that the test sets. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@millrace/platform/testing/free-port'
import { parse, stringify } from 'yaml'
import { agentStatus } from '../../support/agent-status.ts'
import type { Program } from '../../support/program.ts'
import { type RealProcess, realProcess } from '../../support/real-process.ts'
import { until } from '../../support/until.ts'

const main = (specifier: string) => fileURLToPath(import.meta.resolve(specifier))
const millraceMain = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url))

export interface Ended {
  code: number | null
  said: string
}

export class Site {
  readonly dir: string
  readonly clock: string[]
  readonly broker: RealProcess
  readonly endpoint: RealProcess
  ports = { mqtt: 0, webSocket: 0, ca: 0 }
  readonly #test: Program

  /** @param clock put before each command */
  constructor(test: Program, clock: string[]) {
    this.#test = test
    this.clock = clock
    this.dir = join(test.dir, 'site')
    mkdirSync(join(test.dir, 'logs'))
    this.broker = this.process(
      'broker',
      [main('@millrace/broker/main'), 'run', '--config', this.path('broker.yaml')],
      /"listening"/,
    )
    this.endpoint = this.process('ca', [millraceMain, 'ca', 'serve', '--data', this.dir], /"certificates are given"/)
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  /** Made as a person makes it, with a WebSocket listener besides. */
  async open(): Promise<void> {
    const [mqtt, webSocket, ca, web] = [await freePort(), await freePort(), await freePort(), await freePort()]
    this.ports = { mqtt, webSocket, ca }
    await this.millrace('broker', 'open', '--port', `${mqtt}`, '--web-port', `${web}`, '--ca-port', `${ca}`)
    this.change('broker.yaml', { websocket: { host: '127.0.0.1', port: webSocket } })
  }

  change(file: string, more: object): void {
    const config = parse(readFileSync(this.path(file), 'utf8')) as object
    writeFileSync(this.path(file), stringify({ ...config, ...more }))
  }

  millrace(...args: string[]): Promise<Ended> {
    return this.run([millraceMain, ...args, '--data', this.dir], this.#test.dir)
  }

  /** The token of a gateway. */
  async token(node: string, ttl = '1h'): Promise<string> {
    const urls = ['--url', `https://127.0.0.1:${this.ports.ca}`, '--broker-url', `mqtts://127.0.0.1:${this.ports.mqtt}`]
    const { said } = await this.millrace('ca', 'token', node, '--ttl', ttl, ...urls)
    return said.trim()
  }

  gateway(name: string): Gateway {
    return new Gateway(this, join(this.#test.dir, name))
  }

  /** @param killAfterMs SIGKILL then */
  run(args: string[], cwd: string, killAfterMs?: number): Promise<Ended> {
    const [command, ...more] = [...this.clock, process.execPath, ...args]
    const child = spawn(command!, more, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const ended = Promise.withResolvers<Ended>()
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.once('close', (code) => {
      clearTimeout(timer)
      ended.resolve({ code, said })
    })
    return ended.promise
  }

  process(name: string, args: string[], readyWhen: RegExp): RealProcess {
    const [command, ...more] = [...this.clock, process.execPath, ...args]
    const onUnexpectedEnd = (how: string) => this.#test.check(false, `${name} goes on; it ended: ${how}`)
    const logFile = join(this.#test.dir, 'logs', `${name}.log`)
    const started = realProcess({ name, command: command!, args: more, readyWhen, logFile, onUnexpectedEnd })
    this.#test.atEnd(() => started.stop())
    return started
  }
}

/** A gateway with a folder of its own. */
export class Gateway {
  readonly dir: string
  readonly agent: RealProcess
  readonly #site: Site

  constructor(site: Site, dir: string) {
    this.#site = site
    this.dir = dir
    mkdirSync(dir)
    const config = join(dir, 'agent.yaml')
    this.agent = site.process(
      dir.split('/').at(-1)!,
      [main('@millrace/edge-agent/main'), 'run', '--config', config],
      /"agent ready"/,
    )
  }

  get dataDir(): string {
    return join(this.dir, 'millrace-data/agent')
  }

  get credential(): string {
    return join(this.dataDir, 'credential', 'current.pem')
  }

  /** `millrace-agent setup`, as pasted. */
  async setup(token: string, killAfterMs?: number): Promise<Ended> {
    const args = ['setup', '--broker', token, '--device', 'nmea-0183:127.0.0.1:9', '--config', 'agent.yaml']
    const ended = await this.#site.run([main('@millrace/edge-agent/main'), ...args], this.dir, killAfterMs)
    if (ended.code === 0) this.#adopt()
    return ended
  }

  /** The data folder that `setup` writes is of the folder it is called in. */
  #adopt(): void {
    const file = join(this.dir, 'agent.yaml')
    const config = parse(readFileSync(file, 'utf8')) as { uplink: object }
    const uplink = { ...config.uplink, reconnectMsMax: 1000 }
    writeFileSync(file, stringify({ ...config, uplink, dataDir: this.dataDir }))
  }

  isConnected(): Promise<boolean> {
    return agentStatus(this.dataDir).then((status) => status?.uplink.connected ?? false)
  }

  connected(withinMs = 30_000): Promise<boolean> {
    return until('connected', () => this.isConnected(), { withinMs, everyMs: 50 }).catch(() => false)
  }
}
