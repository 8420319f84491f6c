/** What Millrace is made of, and whom it calls. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sbomOf } from '../../../cli/src/package/sbom.ts'
import { lockedPackages, noticePage } from '../../../docs/generate/notice.ts'
import { runProgram } from './scene.ts'
import { anyOf, clauses, type Group, unlike } from './sheet.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (name: string) => readFileSync(join(root, name), 'utf8')
/** Of a program that would call: each connection and each name is told on standard error. */
const listener = `data:text/javascript,${encodeURIComponent(`
import net from 'node:net'
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
const tell = (what) => process.stderr.write('CALLS ' + what + '\\n')
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) { tell(JSON.stringify(args[0])); return connect.apply(this, args) }
dns.lookup = (name) => { tell(name); throw new Error('no names here') }
syncBuiltinESMExports()
`)}`

export const supplyGroup: Group = {
  name: 'supply',
  async run({ dir }, check) {
    const locked = lockedPackages()
    const shipped = locked.filter(({ isDev }) => !isDev)
    check(
      clauses.components,
      'NOTICE names what a running Millrace loads',
      read('NOTICE') !== noticePage() && 'it is of other packages',
    )
    check(
      clauses.components,
      `${locked.length} packages are locked by SHA-512`,
      anyOf(locked.filter(({ integrity }) => !integrity.startsWith('sha512-')).map((one) => one.name)),
    )
    check(
      clauses.components,
      'none comes from elsewhere than the registry',
      anyOf(
        locked
          .filter(({ resolved }) => resolved !== '' && !resolved.startsWith('https://registry.npmjs.org/'))
          .map((one) => one.name),
      ),
    )
    check(
      clauses.components,
      'none that is shipped is copyleft or without a licence',
      anyOf(
        shipped
          .filter(({ licence }) => /GPL|SSPL|unknown|UNLICENSED/i.test(licence))
          .map(({ name, licence }) => `${name} ${licence}`),
      ),
    )
    const { components } = sbomOf(root, { version: '0.1.0', packages: ['mqtt', 'zod'] }) as {
      components: { hashes?: { content: string }[] }[]
    }
    check(
      clauses.components,
      'the SBOM has the hash of each component',
      components.every(({ hashes }) => hashes?.[0]?.content.length === 128) ? undefined : JSON.stringify(components),
    )
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { hasInstallScript?: boolean }> }
    const { allowScripts } = JSON.parse(read('package.json')) as { allowScripts: Record<string, boolean> }
    const scripted = Object.entries(packages).filter(
      ([path, { hasInstallScript }]) => hasInstallScript && path.includes('node_modules/'),
    )
    const unknown = scripted
      .map(([path]) => path.split('node_modules/').at(-1)!)
      .filter((name) => !allowScripts[name] && name !== 'fsevents' && !name.startsWith('node-linux'))
    check(clauses.components, 'no package runs a script at its installation that was not looked at', anyOf(unknown))
    const millrace = join(root, 'cli/src/main.ts')
    const version = await runProgram([`--import=${listener}`, millrace, 'version'], dir)
    const fault = version.code !== 0 ? version.said : version.said.includes('CALLS') && version.said
    check(
      clauses.update,
      '`millrace version` says what is installed, and calls nobody',
      fault || unlike(version.said, /^Millrace \d+\.\d+\.\d+/),
    )
    const policy = read('SECURITY.md')
    check(clauses.support, 'SECURITY.md says how long a version is supported', unlike(policy, /Supported is /))
    check(
      clauses.disclosure,
      'SECURITY.md says where a weakness is reported, and when it is answered',
      unlike(policy, /advisories[\s\S]*within a week/),
    )
  },
}
