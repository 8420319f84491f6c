/** What `millrace-agent` does besides running: it ends with 0 when all is well, with 1 when the answer is no. */
import { createInterface } from 'node:readline/promises'
import { readToken } from '@millrace/contract/join-token'
import { MillraceError, silentLog, systemClock } from '@millrace/platform'
import type { AgentConfig } from './config.ts'
import { enrol } from './credential/index.ts'
import { ports } from './doctor/devices.ts'
import { diagnose, type Finding, lineOf } from './doctor/doctor.ts'
import { type Answers, answersOf, type Given } from './setup/answers.ts'
import { checkSetup, writeSetup } from './setup/setup.ts'
import { askStatus } from './status.ts'
import { deviceOf, recordDevice, tryDevice, tryUnknown } from './try/index.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)

export async function printStatus({ dataDir }: AgentConfig, configFile = '<file>'): Promise<number> {
  try {
    say(JSON.stringify(JSON.parse(await askStatus(dataDir)), null, 2))
    return 0
  } catch {
    process.stderr.write(`No agent answers in ${dataDir}. Start it with: millrace-agent run --config ${configFile}\n`)
    return 1
  }
}

export async function printDiagnosis(load: () => AgentConfig, isJson: boolean): Promise<number> {
  const findings: Finding[] = []
  for await (const finding of diagnose(load, systemClock)) {
    findings.push(finding)
    if (!isJson) say(lineOf(finding))
  }
  const isWell = findings.every(({ level }) => level !== 'wrong')
  if (isJson) say(JSON.stringify({ isWell, findings }, null, 2))
  return isWell ? 0 : 1
}

/** @throws MillraceError AGENT_SETUP, CONFIG_INVALID */
export async function setUp(given: Given, configFile = 'agent.yaml'): Promise<number> {
  const terminal = createInterface({ input: process.stdin })
  const lines = terminal[Symbol.asyncIterator]()
  const question = async (text: string) => {
    say(text)
    const { value = '' } = await lines.next()
    return value as string
  }
  const answers = await answersOf(given, ports(), question)
  terminal.close()
  await enrolFor(answers, configFile)
  for (const path of writeSetup(answers, configFile)) say(`written: ${path}`)
  say(`next: millrace-agent doctor --config ${configFile}`)
  return 0
}

/** By a token of an authority: its certificate and the gateway's own, before anything is written that needs them. */
async function enrolFor(answers: Answers, configFile: string): Promise<void> {
  const { enrolment, group, node } = answers.join
  if (!enrolment) return
  const { dataDir } = checkSetup(answers, configFile)
  answers.join.ca = await enrol(enrolment, { dataDir, name: `${group}/${node}` })
}

/** A new certificate for an agent that is configured. @throws MillraceError AGENT_SETUP, AGENT_ENROL */
export async function enrolAgain(token: string, { dataDir, group, node, uplink }: AgentConfig): Promise<number> {
  const join = readToken(token.trim())
  const { enrolment } = join
  if (!enrolment) throw new MillraceError('AGENT_SETUP', { detail: 'the token is not one of `millrace ca token`' })
  if (join.group !== group || join.node !== node)
    throw new MillraceError('AGENT_SETUP', { detail: `the token is for ${join.group}/${join.node}, this is ${group}/${node}` })
  await enrol(enrolment, { dataDir, name: `${group}/${node}` })
  say(`the certificate of ${group}/${node} is in ${dataDir}/credential`)
  if (!uplink.enrolment) say(`now put this into the configuration, under uplink:\n  enrolment: { url: "${enrolment.url}" }`)
  return 0
}

/** Of `try` and `record`. */
interface Look {
  capture?: string | undefined
  to?: string | undefined
  seconds: string
  refuse(detail: string): never
}

/** Says what a decoder makes of a device, or of the bytes of a file; without a device, what the bytes may be. */
export async function lookAt(id: string | undefined, load: () => AgentConfig, { capture, ...given }: Look): Promise<number> {
  if (id === undefined) {
    tryUnknown(capture ?? given.refuse('try needs a device, or --capture'), say)
    return 0
  }
  const ended = capture === undefined ? endOfLook(given) : Promise.resolve()
  const isReadable = await tryDevice(deviceOf(load(), id), capture, { clock: systemClock, log: silentLog, ended }, say)
  return isReadable ? 0 : 1
}

/** Writes what a device sends to a file. */
export async function keep(id: string, load: () => AgentConfig, given: Look): Promise<number> {
  const to = given.to ?? given.refuse('record needs --to')
  await recordDevice(deviceOf(load(), id), to, { clock: systemClock, log: silentLog, ended: endOfLook(given) }, say)
  return 0
}

/** After so many seconds, or at Ctrl-C. */
function endOfLook({ seconds, refuse }: Look): Promise<void> {
  if (!(Number(seconds) > 0)) refuse('--seconds is a number above 0')
  return new Promise((resolve) => {
    setTimeout(resolve, Number(seconds) * 1000)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
