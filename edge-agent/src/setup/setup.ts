/**
 * `millrace-agent setup`: writes a configuration that `check` accepts, with the password and the authority's certificate in files
 * beside it, for the owner of the folder of the outbox alone. An earlier configuration stays as `<file>.before`.
 */
import { chmodSync, chownSync, existsSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { checkConfig, makeFolder } from '@millrace/platform'
import { stringify } from 'yaml'
import { busPlugins } from '../bus/index.ts'
import { agentSchema } from '../config.ts'
import { checkAgent } from '../engines.ts'
import type { Answers } from './answers.ts'

/** Where a package keeps what was measured; see package/. */
const packagedDataDir = '/var/lib/millrace-agent'

/** The gateway is measured too; take it out of the file, or write 0, to leave that. */
const healthEveryMs = 10_000

/** Returns the files written. @throws MillraceError CONFIG_INVALID, and then nothing is written. */
export function writeSetup(answers: Answers, configFile: string): string[] {
  const file = resolve(configFile)
  const { password, ca } = answers.join
  const beside = besideOf(file)
  const config = checkSetup(answers, configFile)
  makeFolder(dirname(file), 0o755)
  if (existsSync(file)) renameSync(file, `${file}.before`)
  const files = [
    ...(password === undefined ? [] : [{ path: beside.password, text: `${password}\n` }]),
    ...(ca === undefined ? [] : [{ path: beside.ca, text: ca }]),
    { path: file, text: `# Written by millrace-agent setup; every key: docs/reference/configuration.md\n${stringify(config)}` },
  ]
  for (const { path, text } of files) writeFor(config.dataDir, path, text)
  return files.map(({ path }) => path)
}

/** The configuration as it would be written. @throws MillraceError CONFIG_INVALID */
export function checkSetup(answers: Answers, configFile: string) {
  const file = resolve(configFile)
  const config = configOf(answers, besideOf(file))
  checkAgent(checkConfig(agentSchema, config, file))
  return config
}

function besideOf(file: string) {
  const folder = dirname(file)
  return { password: join(folder, 'agent.password'), ca: join(folder, 'broker-ca.crt') }
}

function configOf(
  { join: { group, node, host, url, username, password, ca, enrolment }, devices }: Answers,
  beside: { password: string; ca: string },
) {
  return {
    group,
    node,
    ...(host === undefined ? {} : { host }),
    dataDir: existsSync(packagedDataDir) ? packagedDataDir : 'millrace-data/agent',
    uplink: {
      url,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { passwordFile: beside.password }),
      ...(ca === undefined ? {} : { caFile: beside.ca }),
      ...(enrolment ? { enrolment: { url: enrolment.url } } : {}),
    },
    health: { everyMs: healthEveryMs },
    devices: devices.map(({ id, decoder, path }) => ({ id: `${node}-${id}`, bus: busOf(path), decoder: { kind: decoder } })),
  }
}

/** Of the first kind of bus that knows the address. */
function busOf(address: string): object {
  const known = Object.values(busPlugins).map(({ kind, at }) => ({ kind, config: at?.(address) }))
  const found = known.find(({ config }) => config !== undefined)!
  return { kind: found.kind, ...found.config }
}

/** Root writes for the group of the agent's user, which may read it and not change it. */
function writeFor(dataDir: string, path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 })
  const owner = statSync(dataDir, { throwIfNoEntry: false })
  if (process.getuid?.() !== 0 || !owner || owner.uid === 0) return
  chownSync(path, 0, owner.gid)
  chmodSync(path, 0o640)
}
