import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeToken } from '@millrace/contract/join-token'
import { loadConfig } from '@millrace/platform'
import { expect, onTestFinished, test } from 'vitest'
import { agentSchema } from '../config.ts'
import { checkAgent } from '../engines.ts'
import { type Answers, answersOf } from './answers.ts'
import { writeSetup } from './setup.ts'

const port = '/dev/serial/by-id/usb-a'
const none = async () => {
  throw new Error('nothing is to be asked')
}

/** What a person answers, in order. */
function person(...answers: string[]) {
  const asked: string[] = []
  const question = async (text: string) => {
    asked.push(text)
    return answers.shift() ?? ''
  }
  return { asked, question }
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-setup-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

/** As `check` reads it. */
function written(answers: Answers, file: string) {
  writeSetup(answers, file)
  const config = loadConfig(agentSchema, file)
  checkAgent(config)
  return config
}

test('three questions make a configuration that check accepts, with the password in a file of its own', async () => {
  const { question, asked } = person(
    'mqtts://gw:s%C3%A9cret@broker.example:8884',
    'ward/gateway-1',
    `contec-cms50:${port}, nmea-0183:10.0.0.7:4001`,
  )
  const file = join(folder(), 'agent.yaml')
  const config = written(await answersOf({}, [port], question), file)
  expect(asked).toHaveLength(3)
  expect(asked[2]).toContain(port)
  expect([config.group, config.node, config.uplink.url]).toEqual(['ward', 'gateway-1', 'mqtts://broker.example:8884'])
  expect(config.devices.map(({ id, bus }) => [id, bus])).toEqual([
    ['gateway-1-contec-cms50-1', { kind: 'serial', path: port }],
    ['gateway-1-nmea-0183-2', { kind: 'tcp', host: '10.0.0.7', port: 4001 }],
  ])
  expect(readFileSync(config.uplink.passwordFile!, 'utf8')).toBe('sécret\n')
  expect(statSync(config.uplink.passwordFile!).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).not.toContain('cret@')
})

test('a token answers all but the devices', async () => {
  const join_ = {
    url: 'mqtts://10.0.0.1:8883',
    group: 'ward',
    node: 'g',
    host: 'millrace',
    username: 'ward.g',
    password: 'secret-1',
    ca: 'PEM\n',
  }
  const answers = await answersOf({ broker: makeToken(join_), device: ['nmea-0183'] }, [port], none)
  const file = join(folder(), 'agent.yaml')
  writeFileSync(file, 'node: mine\n')
  const config = written(answers, file)
  expect(readFileSync(config.uplink.caFile!, 'utf8')).toBe('PEM\n')
  expect(config.uplink.username).toBe('ward.g')
  expect(config.devices[0]!.bus).toEqual({ kind: 'serial', path: port })
  expect(readFileSync(`${file}.before`, 'utf8')).toBe('node: mine\n')
})

test.each([
  [{ broker: 'broker.example' }, '"broker.example" is not the URL'],
  [{ broker: 'http://broker.example' }, 'is not the URL of a broker'],
  [{ broker: 'millrace1.eyJ1cmwi' }, 'the token is incomplete'],
  [{ broker: 'mqtt://h', node: 'ward' }, '"ward" is not the name of a gateway'],
  [{ broker: 'mqtt://h', node: 'ward/#' }, '"ward/#" is not the name'],
  [{ broker: 'mqtt://h', node: 'a/b', device: ['constructor'] }, 'there is no decoder "constructor"'],
  [{ broker: 'mqtt://h', node: 'a/b', device: ['nmea-0183'] }, 'names no port'],
])('an answer that cannot be used is named: %j', async (given, says) => {
  await expect(answersOf(given, [], none)).rejects.toThrow(says)
})

test('of a configuration that check would refuse nothing is written', async () => {
  const file = join(folder(), 'agent.yaml')
  const join_ = { url: 'mqtt://h', group: 'a', node: 'b', password: 'secret-1' }
  const device = { id: 'x', decoder: 'nmea-0183', path: 'host:99999' }
  expect(() => writeSetup({ join: join_, devices: [device] }, file)).toThrow('CONFIG_INVALID')
  expect([existsSync(file), existsSync(join(file, '../agent.password'))]).toEqual([false, false])
})
