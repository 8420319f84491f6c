/** A real broker on a free port with a users file of its own; everything is removed at `close`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import {
  addUser,
  type Broker,
  type BrokerContext,
  type BrokerLimits,
  brokerSchema,
  type NewUser,
  startBroker,
} from '../broker.ts'

/** scrypt at a cost that is safe for nothing but tests. */
export const testCost = { N: 16, r: 1, p: 1 }

export const testUsers: Record<string, NewUser> = {
  admin: { name: 'admin', password: 'secret-a', role: 'admin' },
  host: { name: 'host', password: 'secret-h', role: 'host', args: ['millrace', 'plain/#'] },
  node: { name: 'node', password: 'secret-n', role: 'node', args: ['ward/bed1'] },
  other: { name: 'other', password: 'secret-o', role: 'node', args: ['ward/bed2'] },
  device: { name: 'device', password: 'secret-d', role: 'device', args: ['plain/d1'] },
}

export interface TestBroker extends Broker {
  usersFile: string
  /** Connects as one of `testUsers`; all are ended at `close`. */
  connect(user: string, options?: IClientOptions): Promise<MqttClient>
}

export async function startTestBroker(
  limits: Partial<BrokerLimits> = {},
  context: Partial<BrokerContext> = {},
  more: Record<string, unknown> = {},
): Promise<TestBroker> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-broker-'))
  const usersFile = join(dir, 'users')
  for (const user of Object.values(testUsers)) await addUser(usersFile, { ...user, cost: testCost })
  const broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, users: usersFile, limits, ...more }), context).catch(
    async (error) => {
      await rm(dir, { recursive: true })
      throw error
    },
  )
  const clients: MqttClient[] = []
  return {
    ...broker,
    usersFile,
    async connect(user, options = {}) {
      const { name: username, password } = testUsers[user]!
      const given = { username, password, reconnectPeriod: 0, ...options }
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, given, false)
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    async close() {
      await Promise.all(clients.map((client) => client.endAsync(true)))
      await broker.close()
      await rm(dir, { recursive: true })
    },
  }
}

/** Waits until the condition holds; the test's own time-out is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Resolves when the client's connection is gone. */
export function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()))
}
