/**
 * The agent's packages in a clean Debian: installed, run, upgraded from the version before, rolled back, removed, purged; then the
 * tarball. `npm run break -- install`
 *
 * The version before is this checkout under a lower number: there are no earlier packages. Readings are measured throughout, while
 * processor and broker are down; at the end each is in the store once, or named. systemd itself does not run in the root: its
 * unit is checked by systemd-analyze, and the agent is started as the unit would start it.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { parse, stringify } from 'yaml'
import { onPath, run } from '../engines/command.ts'
import { layOut, programsOf } from '../support/installation.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { type InstalledAgent, installedAgent, stateDir } from './install/agent.ts'
import { type CleanRoot, cleanRoot } from './install/root.ts'

readArguments({ call: 'npm run break -- install' }, {})

const versions = { before: '0.0.9', now: '0.1.0' }
const scenario = {
  name: 'install',
  distinct: true,
  devices: [{ kind: 'contec-cms50', name: 'bed', count: 2, port: 'tcp', tcpPort: 47_310 }],
}

await program('install', async (test) => {
  const { dir, check, atEnd } = test
  const root = await cleanRoot(join(dir, 'root'), test.say)
  atEnd(() => root.close())
  await makePackages(test)
  const layout = await layOut(dir, { scenario, agent: { dataDir: stateDir } })
  const onUnexpectedEnd = (name: string, how: string) => check(false, `${name} ended by itself: ${how}`)
  const { simulator, broker, processor, api, manifest } = programsOf(layout, { onUnexpectedEnd, manifest: 'manifest.jsonl' })
  for (const each of [broker, processor, simulator]) atEnd(() => each.stop())
  await simulator.start()

  await install(test, root, versions.before)
  checkInstalled(test, root)
  await checkUnit(test, root)
  const agent = installedAgent(root, test)
  writeFileSync(root.path('etc/millrace/agent.yaml'), readFileSync(layout.path('agent.yaml')))
  const measured = await goOn(test, agent, 'installed', 0)
  await install(test, root, versions.now)
  const configured = parse(readFileSync(root.path('etc/millrace/agent.yaml'), 'utf8'))
  check(configured.node === 'gateway', 'an upgrade keeps the configuration that was edited')
  const after = await goOn(test, agent, 'upgraded', measured)
  await install(test, root, versions.before)
  await goOn(test, agent, 'rolled back', after)

  await broker.start()
  await processor.start()
  await agent.start()
  await until('all of it is sent', async () => (await agent.status())?.uplink.connected && (await agent.entries()) < 20, {
    withinMs: 60_000,
  })
  await simulator.stop()
  await until('the last of it is sent', async () => (await agent.entries()) === 0, { withinMs: 30_000 })
  // While the agent runs: the ledger of its last second follows what it counts.
  const verdict = await verify(api, [manifest], verifyDefaults)
  await agent.stop()
  if (!verdict.isWhole) test.say(printVerdict(verdict))
  check(verdict.isWhole, closingLine(verdict))

  await remove(test, root)
  await checkTarball(test, root)
  await checkArm(test)
})

async function makePackages({ dir, say }: Program): Promise<void> {
  if (!onPath('python3')) throw new CannotRun('python3 is not on the PATH: it listens as systemd does')
  if (!onPath('nfpm') && !onPath('go')) throw new CannotRun('neither nfpm nor Go is on the PATH')
  const cli = join(import.meta.dirname, '../../cli/src/main.ts')
  for (const args of [
    ['--version', versions.before, '--arch', 'amd64', '--format', 'deb'],
    ['--version', versions.now, '--arch', 'amd64', '--format', 'deb,tar,rpm'],
    ['--version', versions.now, '--arch', 'arm64', '--format', 'deb'],
  ])
    say(
      `made ${(await run(process.execPath, [cli, 'package', '--to', join(dir, 'packages'), ...args])).trim().split('\n').map(withSize).join(', ')}`,
    )
}

function withSize(path: string): string {
  return `${path.slice(path.lastIndexOf('/') + 1)} (${(statSync(path).size / 1e6).toFixed(1)} MB)`
}

async function install({ dir, check }: Program, root: CleanRoot, version: string): Promise<void> {
  const file = `millrace-agent_${version}_amd64.deb`
  await run('cp', [join(dir, 'packages', file), root.path('root')])
  await root.run('dpkg', '-i', `/root/${file}`)
  await root.run('rm', `/root/${file}`)
  const [status] = (await root.run('dpkg-query', '-W', 'millrace-agent')).split('\n')
  check(status === `millrace-agent\t${version}`, `installed: ${version}`)
}

function checkInstalled({ check }: Program, root: CleanRoot): void {
  const state = statSync(root.path(stateDir))
  const [, uid] = /^millrace-agent:[^:]*:(\d+):/m.exec(readFileSync(root.path('etc/passwd'), 'utf8')) ?? []
  const dialout = /^dialout:.*$/m.exec(readFileSync(root.path('etc/group'), 'utf8'))?.[0] ?? ''
  check(state.uid === Number(uid) && (state.mode & 0o777) === 0o700, 'its state is of its own user, and of nobody else')
  check(dialout.includes('millrace-agent'), `its user may open serial ports: ${dialout}`)
}

async function checkUnit({ check }: Program, root: CleanRoot): Promise<void> {
  const unit = 'millrace-agent.service'
  const said = await root.run('sh', '-c', `systemd-analyze verify --man=no ${unit} 2>&1`)
  check(said === '', `systemd-analyze verify has nothing to say${said && `: ${said}`}`)
  const judged = await root.run('systemd-analyze', 'security', '--offline=yes', unit)
  const exposure = /exposure level.*?: ([\d.]+)/.exec(judged)?.[1]
  check(Number(exposure) < 2, `systemd-analyze security: exposure ${exposure}`)
}

/** What is in the outbox stays there, and more comes. Returns how many batches are in it. */
async function goOn({ check }: Program, agent: InstalledAgent, how: string, kept: number): Promise<number> {
  await agent.start()
  const first = await agent.entries()
  await until('more is measured', async () => (await agent.entries()) >= kept + 10)
  const entries = await agent.entries()
  await agent.stop()
  check(first >= kept, `${how}: ready for its supervisor; ${kept} batches were kept, ${entries} are there`)
  return entries
}

async function remove({ check }: Program, root: CleanRoot): Promise<void> {
  await root.run('dpkg', '-r', 'millrace-agent')
  check(!root.has('usr/lib/millrace-agent') && !root.has('usr/bin/millrace-agent'), 'removed: its program is gone')
  check(
    root.has(`${stateDir}/outbox.sqlite`) && root.has('etc/millrace/agent.yaml'),
    'removed: what it measured and its configuration stay',
  )
  await root.run('dpkg', '-P', 'millrace-agent')
  checkGone(check, root)
}

function checkGone(check: Program['check'], root: CleanRoot): void {
  const left = root.find('millrace')
  const isUser = /millrace/.test(readFileSync(root.path('etc/passwd'), 'utf8') + readFileSync(root.path('etc/group'), 'utf8'))
  check(left.length === 0 && !isUser, `purged: nothing is left${left.length > 0 ? `, but ${left.join(' ')}` : ''}`)
}

async function checkTarball({ check, dir }: Program, root: CleanRoot): Promise<void> {
  const name = `millrace-agent_${versions.now}_amd64`
  await run('tar', ['-xzf', join(dir, 'packages', `${name}.tar.gz`), '-C', root.path('opt')])
  const script = (what: string) => root.run('sh', `/opt/${name}/install.sh`, what)
  const say = () => root.run('/usr/bin/millrace-agent', 'check', '--config', '/etc/millrace/agent.yaml')
  await script('install')
  writeFileSync(root.path('etc/millrace/agent.yaml'), stringify({ node: 'mine', dataDir: stateDir }))
  writeFileSync(root.path(`${stateDir}/kept`), '')
  await script('install')
  const isKept = root.has(`${stateDir}/kept`) && readFileSync(root.path('etc/millrace/agent.yaml'), 'utf8').includes('mine')
  check(isKept && (await say()).trim() === 'configuration is valid', 'the tarball installs, and again, and keeps what was there')
  await script('remove')
  check(root.has(`${stateDir}/kept`) && !root.has('usr/lib/millrace-agent'), 'the tarball removes, and keeps what was measured')
  await script('purge')
  await root.run('rm', '-r', `/opt/${name}`)
  checkGone(check, root)
}

/** Not run: this machine is of another architecture. */
async function checkArm({ check, dir }: Program): Promise<void> {
  const folder = join(dir, 'arm64')
  await run('dpkg-deb', ['-x', join(dir, 'packages', `millrace-agent_${versions.now}_arm64.deb`), folder])
  const found = (await run('find', [folder, '(', '-name', 'node', '-o', '-name', '*.node', ')', '-type', 'f'])).trim().split('\n')
  const wrong = found.filter((path) => readFileSync(path).readUInt16LE(18) !== 0xb7)
  check(
    found.length === 2 && wrong.length === 0,
    `arm64: ${found.length} machine-code files, all of AArch64 (not run here)${wrong}`,
  )
}
