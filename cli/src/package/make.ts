/** Makes the agent's packages: a `.deb` and an `.rpm` by nfpm, and a tarball with an install script. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeFolder } from '@millrace/platform'
import { stringify } from 'yaml'
import { type Architecture, architectures, packageFolder, stage } from './stage.ts'

/** From its Go module, which builds it once, where no nfpm is on the PATH. */
const nfpmModule = 'github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.41.3'
const formats = ['deb', 'rpm', 'tar'] as const
const lib = '/usr/lib/millrace-agent'

export interface PackageOptions {
  to: string
  /** Names of `architectures`, with commas; so the formats. */
  arch: string
  format: string
  /** Absent: that of the checkout. */
  version?: string | undefined
}

/** Returns the paths of the files made. @throws Error naming what is missing, with the remedy. */
export function makePackages({ to, arch, format, version = ownVersion() }: PackageOptions): string[] {
  const chosen = { archs: chosenOf(arch, Object.keys(architectures)), formats: chosenOf(format, [...formats]) }
  const folder = resolve(to)
  makeFolder(folder, 0o755)
  return chosen.archs.flatMap((architecture) => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-package-'))
    try {
      const made = { dir, to: folder, version, architecture: architecture as Architecture }
      stage(join(dir, 'lib'), made)
      return chosen.formats.map((each) => (each === 'tar' ? tarball(made) : byNfpm(made, each)))
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
}

function chosenOf(text: string, known: string[]): string[] {
  const names = text.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`There is no ${unknown}. These are there: ${known.join(', ')}.`)
  return names
}

interface Making {
  dir: string
  to: string
  version: string
  architecture: Architecture
}

function byNfpm({ dir, to, version, architecture }: Making, packager: string): string {
  const config = join(dir, 'nfpm.yaml')
  writeFileSync(config, stringify(description(dir, version, architecture)))
  const target = join(to, `millrace-agent_${version}_${architecture}.${packager}`)
  nfpm(['package', '--config', config, '--packager', packager, '--target', target])
  return target
}

function nfpm(args: string[]): void {
  const isFound = tries('nfpm', ['--version'])
  if (!isFound && !tries('go', ['version']))
    throw new Error('Neither nfpm nor Go is on the PATH: install one of them, or make the tarball alone with --format tar.')
  const [command, ...before] = isFound ? ['nfpm'] : ['go', 'run', nfpmModule]
  execFileSync(command!, [...before, ...args], { stdio: ['ignore', 'ignore', 'inherit'], cwd: tmpdir() })
}

function tries(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function description(dir: string, version: string, architecture: Architecture): object {
  const own = (name: string) => join(packageFolder, name)
  return {
    name: 'millrace-agent',
    arch: architecture,
    version,
    section: 'net',
    maintainer: 'The Millrace authors <millrace@localhost>',
    description: 'Millrace edge agent\nReads devices, keeps their readings safe, and sends them until each is receipted.',
    license: 'Apache-2.0',
    overrides: {
      deb: { depends: ['libc6 (>= 2.28)', 'libstdc++6', 'passwd'] },
      rpm: { depends: ['glibc >= 2.28', 'libstdc++', 'shadow-utils'] },
    },
    contents: [
      { src: join(dir, 'lib'), dst: lib, type: 'tree' },
      { src: `${lib}/bin/millrace-agent`, dst: '/usr/bin/millrace-agent', type: 'symlink' },
      { src: own('millrace-agent.service'), dst: '/usr/lib/systemd/system/millrace-agent.service', file_info: { mode: 0o644 } },
      { src: own('agent.yaml'), dst: '/etc/millrace/agent.yaml', type: 'config|noreplace', file_info: { mode: 0o640 } },
    ],
    scripts: { postinstall: own('installed.sh'), preremove: own('removing.sh'), postremove: own('removed.sh') },
  }
}

function tarball({ dir, to, version, architecture }: Making): string {
  const name = `millrace-agent_${version}_${architecture}`
  const folder = join(dir, name)
  mkdirSync(folder)
  for (const file of ['install.sh', 'installed.sh', 'removing.sh', 'removed.sh', 'millrace-agent.service', 'agent.yaml'])
    copyFileSync(join(packageFolder, file), join(folder, file))
  renameSync(join(dir, 'lib'), join(folder, 'lib'))
  const target = join(to, `${name}.tar.gz`)
  execFileSync('tar', ['--owner=0', '--group=0', '--numeric-owner', '-czf', target, '-C', dir, name])
  renameSync(join(folder, 'lib'), join(dir, 'lib'))
  return target
}

function ownVersion(): string {
  return JSON.parse(readFileSync(join(packageFolder, '../package.json'), 'utf8')).version
}
