/**
 * The agent's files as they lie in /usr/lib/millrace-agent:
 *
 *   bin/            millrace-agent, start.mjs, and the Node that runs them
 *   dist/           the agent and its storage thread, each one file
 *   node_modules/   the packages that they load, with the addons of one architecture
 *   sbom.cdx.json   what is in it, with versions, licences and hashes (CycloneDX); NOTICE, LICENSE
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder, ownValue } from '@millrace/platform'
import { packagesOf } from './packages.ts'
import { sbomOf } from './sbom.ts'

/** Debian's name of an architecture, and Node's. */
export const architectures = { amd64: 'x64', arm64: 'arm64' } as const
export type Architecture = keyof typeof architectures

/** What the bundle loads from packages; see edge-agent/src/install/bundle.ts. */
const loaded = ['mqtt', 'mqtt-packet', 'serialport', 'yaml', 'zod']

const agentFolder = join(dirname(fileURLToPath(import.meta.resolve('@millrace/edge-agent/command'))), '..')
export const packageFolder = join(agentFolder, 'package')

/** Bundles the agent, and lays out what one architecture needs. @throws Error where a package is unavailable. */
export function stage(folder: string, { architecture, version }: { architecture: Architecture; version: string }): void {
  const cpu = architectures[architecture]
  execFileSync(process.execPath, [join(agentFolder, 'src/install/bundle.ts')], { stdio: ['ignore', 'ignore', 'inherit'] })
  makeFolder(join(folder, 'bin'), 0o755)
  for (const file of ['millrace-agent', 'start.mjs']) copyFileSync(join(agentFolder, 'bin', file), join(folder, 'bin', file))
  cpSync(join(agentFolder, 'dist'), join(folder, 'dist'), { recursive: true, filter: (path) => !path.includes('making-') })
  copyFileSync(join(agentFolder, 'README.md'), join(folder, 'README.md'))
  copyFileSync(join(agentFolder, '../LICENSE'), join(folder, 'LICENSE'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  const packages = packagesOf(loaded, agentFolder)
  for (const { path, at } of packages) copyPackage(path, join(folder, 'node_modules', at), cpu)
  const contents = { version, packages: [...packages.map(({ at }) => at), nodePackage(cpu)] }
  writeFileSync(join(folder, 'sbom.cdx.json'), JSON.stringify(sbomOf(join(agentFolder, '..'), contents), null, 1))
  copyFileSync(join(agentFolder, '../NOTICE'), join(folder, 'NOTICE'))
  addForeign(nodePackage(cpu), (path) => {
    copyFileSync(join(path, 'bin/node'), join(folder, 'bin/node'))
    copyFileSync(join(path, 'LICENSE'), join(folder, 'bin/node.LICENSE'))
  })
  for (const file of ['millrace-agent', 'node']) chmodSync(join(folder, 'bin', file), 0o755)
}

const nodePackage = (cpu: string) => `node-linux-${cpu}`

/** Without what only people and compilers read, and without the addons of other machines. */
function copyPackage(from: string, to: string, cpu: string): void {
  const isLeftOut = (path: string) =>
    /\.([cm]?ts|tsbuildinfo|map|md|cc|cpp|h|gyp|hpp)$|\/(tests?|test\.js|docs|examples?|\.github)$/.test(
      path.slice(from.length),
    ) ||
    (/\/prebuilds\/[^/]+$/.test(path) && !path.endsWith(`/linux-${cpu}`)) ||
    path.slice(from.length).includes('/node_modules') ||
    /musl\.node$/.test(path)
  cpSync(from, to, { recursive: true, dereference: true, filter: (path) => path === from || !isLeftOut(path) })
}

/** A package of another architecture is not installed here: npm fetches it. */
function addForeign(name: string, use: (path: string) => void): void {
  const root = join(agentFolder, '..')
  const installed = join(root, 'node_modules', name)
  if (existsSync(installed)) return use(installed)
  const dir = mkdtempSync(join(tmpdir(), 'millrace-package-'))
  try {
    const packed = execFileSync('npm', ['pack', '--silent', `${name}@${versionOf(name, root)}`], { cwd: dir, encoding: 'utf8' })
    execFileSync('tar', ['-xzf', packed.trim(), '-C', dir], { cwd: dir })
    use(join(dir, 'package'))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Of one of our own dependencies. */
function versionOf(name: string, root: string): string {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return ownValue<string>(optionalDependencies, name)!
}
