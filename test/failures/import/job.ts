/** The job of the drill, and the process that runs it. */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import type { Installation } from '../../support/installation.ts'
import { residentMB } from '../../support/process-facts.ts'
import type { Expected } from './rows.ts'

const cli = fileURLToPath(import.meta.resolve('millrace')).replace(/index\.ts$/, 'main.ts')

export interface Done {
  files: { counts: { rows: Expected['rows']; readings: { written: number }; reasons: Record<string, number> } }[]
  account?: { read: number[]; stored: number[]; collapsed: number[]; difference: number[] }
}

export class Job {
  readonly csv: string
  highestMB = 0
  readonly #path: string
  readonly #dataDir: string
  readonly #url: string

  constructor(dir: string, { api }: Installation) {
    this.csv = join(dir, 'rows.csv')
    this.#path = join(dir, 'job.yaml')
    this.#dataDir = join(dir, 'import')
    this.#url = api.url
    const { uplink } = parse(readFileSync(join(dir, 'agent.yaml'), 'utf8'))
    const channels = { value: { unit: '1', min: 0, max: 1000 } }
    const source = {
      files: [this.csv],
      extract: { kind: 'csv' },
      time: { column: 'time' },
      device: { column: 'device' },
      channels,
    }
    const job = { group: 'test', node: 'gateway', dataDir: this.#dataDir, uplink, sources: [source] }
    writeFileSync(this.#path, stringify(job), { mode: 0o600 })
  }

  start() {
    const child = spawn(process.execPath, [cli, 'import', this.#path, '--url', this.#url, '--json'])
    const out: Buffer[] = []
    child.stdout.on('data', (chunk) => out.push(chunk))
    const errors: Buffer[] = []
    child.stderr.on('data', (chunk) => errors.push(chunk))
    const looking = setInterval(() => this.#look(child.pid), 100)
    const ended = new Promise<{ how: string; out: string }>((resolve) =>
      child.on('close', (code, signal) => {
        clearInterval(looking)
        resolve({ how: signal ?? `${code}: ${Buffer.concat(errors)}`, out: Buffer.concat(out).toString() })
      }),
    )
    return { kill: () => child.kill('SIGKILL'), ended }
  }

  async finish(): Promise<Done> {
    const { how, out } = await this.start().ended
    if (out === '') throw new Error(`the import ended with ${how}`)
    return JSON.parse(out)
  }

  forget(): void {
    rmSync(this.#dataDir, { recursive: true })
  }

  #look(pid: number | undefined): void {
    try {
      this.highestMB = Math.max(this.highestMB, residentMB(pid!))
    } catch {
      // It has just ended.
    }
  }
}
