/**
 * InfluxDB 2, built from its Go module: its release binaries are in no registry. Flux is a Rust library that the module's own
 * `pkg-config` builds on the way. Found on PATH as `influxd` it is used as it is.
 */
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCached, intoCache } from '../cache.ts'
import { needs, onPath, run } from '../command.ts'
import type { Engine, Found, RunningEngine, StartOptions } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersHttp } from '../health.ts'
import { stablePort } from '../ports.ts'

export interface RunningInfluxdb extends RunningEngine {
  /** What the first start set up; undefined for one that another program started. */
  setup?: { org: string; bucket: string; token: string }
}

const version = '2.7.12'
const folder = `influxdb-${version}`
const buildWithinMs = 25 * 60_000
const setup = { org: 'millrace', bucket: 'millrace', token: 'millrace-test-token' }

export const influxdb: Engine<StartOptions, RunningInfluxdb> = {
  name: 'influxdb',
  what: 'InfluxDB 2 itself, with Flux',
  from: `Go module github.com/influxdata/influxdb/v2 ${version}, built here with Go and Rust, 132 MB`,
  isOptional: true,
  variable: 'ENGINE_INFLUXDB',
  protocol: 'http',
  find,
  get: (say) => intoCache(folder, (dir) => build(dir, say)),
  async start({ dir, port }) {
    const found = await find()
    if (!found) throw new Error('InfluxDB is not there. Run: npm run engines -- influxdb')
    const listen = `127.0.0.1:${port ?? (await stablePort())}`
    const address = `http://${listen}`
    mkdirSync(dir, { recursive: true })
    const files = ['--bolt-path', join(dir, 'influxd.bolt'), '--sqlite-path', join(dir, 'influxd.sqlite')]
    const running = await startProcess({
      name: 'InfluxDB',
      address,
      dir,
      command: found.program,
      args: ['--http-bind-address', listen, ...files, '--engine-path', join(dir, 'engine'), '--reporting-disabled'],
      isHealthy: () => answersHttp(`${address}/health`),
    })
    await setUp(address)
    return Object.assign(running, { setup })
  },
}

async function find(): Promise<(Found & { program: string }) | undefined> {
  const installed = onPath('influxd')
  if (installed) return { version: 'as installed', where: installed, program: installed }
  const cached = await findCached(folder)
  return cached && { ...cached, program: join(cached.where, 'influxd') }
}

/** Makes the first user, organisation and bucket, unless an earlier start did. */
async function setUp(address: string): Promise<void> {
  const { allowed } = (await (await fetch(`${address}/api/v2/setup`)).json()) as { allowed: boolean }
  if (!allowed) return
  const body = JSON.stringify({ username: 'millrace', password: 'millrace-test', ...setup })
  const answer = await fetch(`${address}/api/v2/setup`, { method: 'POST', body })
  if (!answer.ok) throw new Error(`InfluxDB's setup: ${answer.status} ${await answer.text()}`)
}

async function build(dir: string, say: (text: string) => void): Promise<void> {
  const go = needs('go', 'Install Go 1.23 or later.')
  needs('cargo', 'Install Rust: Flux is written in it.')
  needs('pkg-config', 'Install the package pkg-config.')
  needs('cc', 'Install a C compiler.')
  const downloaded = JSON.parse(await run(go, ['mod', 'download', '-json', `github.com/influxdata/influxdb/v2@v${version}`]))
  const source = join(dir, 'source')
  // Built as the main module: only there its own replacements and sums of other modules hold.
  cpSync(downloaded.Dir, source, { recursive: true })
  await run('chmod', ['-R', 'u+w', source])
  const env = { GOTOOLCHAIN: 'local', ...(await lenientRust(dir)) }
  const pkgConfig = join(dir, 'pkg-config')
  await run(go, ['build', '-o', pkgConfig, 'github.com/influxdata/pkg-config'], { cwd: source, env })
  say('building, which takes minutes')
  const program = join(dir, 'influxd')
  const tags = 'sqlite_foreign_keys,sqlite_json'
  const flags = ['build', '-tags', tags, '-ldflags', `-s -w -X main.version=v${version}`, '-o', program, './cmd/influxd']
  await run(go, flags, { cwd: source, env: { ...env, PKG_CONFIG: pkgConfig }, withinMs: buildWithinMs })
  for (const name of ['source', 'pkg-config', 'rustc']) rmSync(join(dir, name), { recursive: true })
}

/**
 * Flux names an old Rust of its own and takes every warning for an error, of which newer ones have more: the machine's Rust
 * instead, and warnings stay warnings.
 */
async function lenientRust(dir: string): Promise<Record<string, string>> {
  const wrapper = join(dir, 'rustc')
  writeFileSync(wrapper, '#!/bin/sh\ncase "$*" in *--cap-lints*) exec "$@" ;; *) exec "$@" --cap-lints warn ;; esac\n')
  chmodSync(wrapper, 0o755)
  const toolchains = onPath('rustup') ? await run('rustup', ['toolchain', 'list']) : ''
  const first = toolchains.split(/\s/)[0]
  return { RUSTC_WRAPPER: wrapper, ...(first && { RUSTUP_TOOLCHAIN: first }) }
}
