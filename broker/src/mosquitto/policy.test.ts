import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@millrace/platform/testing/free-port'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testUsers, until } from '../testing/test-broker.ts'
import { renderMosquitto } from './policy.ts'

const binary = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find((path) => existsSync(path))
if (!binary) console.log('skipped: mosquitto is not installed (Debian: apt-get install mosquitto)')

describe.skipIf(!binary)('a real Mosquitto with the rendered files', () => {
  let mosquitto: ChildProcess
  let dir: string
  let url: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-mosquitto-'))
    const port = await freePort()
    url = `mqtt://127.0.0.1:${port}`
    const { config } = await renderMosquitto({ port, dir, users: Object.values(testUsers) })
    mosquitto = spawn(binary!, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    mosquitto.stderr!.on('data', (chunk) => {
      said += chunk
    })
    await until(() => said.includes('running') || mosquitto.exitCode !== null)
    expect(mosquitto.exitCode, said).toBeNull()
  })
  afterAll(async () => {
    const gone = once(mosquitto, 'exit')
    mosquitto.kill('SIGTERM')
    await gone
    await rm(dir, { recursive: true })
  })

  const connect = (user: string, options = {}) => {
    const { name: username, password } = testUsers[user]!
    return mqtt.connectAsync(url, { username, password, protocolVersion: 4, reconnectPeriod: 0, ...options }, false)
  }
  const inbox = (client: MqttClient) => {
    const seen: string[] = []
    client.on('message', (topic) => seen.push(topic))
    return seen
  }

  test('lets in who has the right password, and nobody else', async () => {
    await (await connect('node')).endAsync()
    await expect(connect('node', { password: 'wrong' })).rejects.toMatchObject({ code: 5 })
    await expect(mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 }, false)).rejects.toMatchObject({ code: 5 })
  })

  test('passes on what the roles may write and read, and nothing else', async () => {
    const host = await connect('host')
    const admin = await connect('admin')
    const [seenByHost, seenByAdmin] = [inbox(host), inbox(admin)]
    await host.subscribeAsync(['spBv1.0/#', 'plain/#'])
    await admin.subscribeAsync('#')
    const [node, device] = [await connect('node'), await connect('device')]
    for (const topic of ['ward/NDATA/bed2', 'ward/NCMD/bed1', 'STATE/millrace'])
      await node.publishAsync(`spBv1.0/${topic}`, 'x', { qos: 1 })
    await device.publishAsync('plain/d2', 'x', { qos: 1 })
    await node.publishAsync('spBv1.0/ward/DDATA/bed1/oximeter', 'x', { qos: 1 })
    await device.publishAsync('plain/d1/t', 'x', { qos: 1 })
    await admin.publishAsync('private', 'x', { qos: 1 })
    await until(() => seenByAdmin.length === 3)
    expect(seenByAdmin).toEqual(['spBv1.0/ward/DDATA/bed1/oximeter', 'plain/d1/t', 'private'])
    expect(seenByHost).toEqual(['spBv1.0/ward/DDATA/bed1/oximeter', 'plain/d1/t'])
    await Promise.all([host, admin, node, device].map((client) => client.endAsync()))
  })

  test('gives a node its own commands and STATE, not those of another', async () => {
    const [host, node] = [await connect('host'), await connect('node')]
    const seen = inbox(node)
    await node.subscribeAsync(['spBv1.0/ward/NCMD/+', 'spBv1.0/STATE/+'])
    await host.publishAsync('spBv1.0/ward/NCMD/bed2', 'x', { qos: 1 })
    await host.publishAsync('spBv1.0/STATE/millrace', 'x', { qos: 1 })
    await host.publishAsync('spBv1.0/ward/NCMD/bed1', 'x', { qos: 1 })
    await until(() => seen.length === 2)
    expect(seen).toEqual(['spBv1.0/STATE/millrace', 'spBv1.0/ward/NCMD/bed1'])
    await Promise.all([host, node].map((client) => client.endAsync()))
  })

  test('keeps a will back that the role may not publish, and publishes the other', async () => {
    const host = await connect('host')
    const seen = inbox(host)
    await host.subscribeAsync('spBv1.0/#')
    for (const bed of ['bed2', 'bed1']) {
      const will = { topic: `spBv1.0/ward/NDEATH/${bed}`, payload: Buffer.from('x'), qos: 1 as const, retain: false }
      const node = await connect('node', { will })
      node.stream.destroy()
    }
    await until(() => seen.length > 0)
    expect(seen).toEqual(['spBv1.0/ward/NDEATH/bed1'])
    await host.endAsync()
  })
})
