/** Broker and processor, both by the right time, with accounts for the gateways of all cases. */
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { freePort } from '@millrace/platform/testing/free-port'
import { type Api, openApi } from 'millrace'
import type { Program } from '../../support/program.ts'
import { startsIn } from '../clock-drill/system.ts'

export interface Installation {
  url: string
  api: Api
}

/** A device that stamps summer time all year, two hours ahead of UTC. */
const summerZone = 'Etc/GMT-2'
export const password = 'drill-password'

const rules = [
  { name: 'high', channel: 'level', condition: 'above', set: 50, priority: 'high' },
  { name: 'silent', channel: 'level', condition: 'absent', afterMs: 5000 },
]

export async function startInstallation(program: Program, nodes: string[]): Promise<Installation> {
  const { dir } = program
  const start = startsIn(program)
  const [port, webPort] = [await freePort(), await freePort()]
  const url = `mqtt://127.0.0.1:${port}`
  const users = join(dir, 'users')
  for (const node of nodes) await addUser(users, { name: node, password, role: 'node', args: [`drill/${node}`] })
  await addUser(users, { name: 'processor', password, role: 'host', args: ['millrace', 'sensors/#'] })
  await addUser(users, { name: 'sensor', password, role: 'device', args: ['sensors'] })
  await start('broker', '@millrace/broker/main', { listen: { port }, users })
  const channels = ['n', 'level'].map((name) => ({ name, path: name }))
  await start('processor', '@millrace/cloud-processor/main', {
    dataDir: join(dir, 'processor'),
    bridge: { url, username: 'processor', password, host: 'millrace' },
    devices: [{ filter: 'sensors/+', device: '{1}', time: 'at', zone: summerZone, channels }],
    web: { port: webPort },
    rules: { rules },
  })
  return { url, api: openApi(`http://127.0.0.1:${webPort}/`) }
}

/** A link to the broker that carries nothing until it is opened. */
export async function closedLink(brokerUrl: string, atEnd: (end: () => unknown) => void) {
  const port = await freePort()
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((agent) => {
    const broker = keep(connect(Number(new URL(brokerUrl).port), '127.0.0.1'))
    keep(agent).pipe(broker).pipe(agent)
  })
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `mqtt://127.0.0.1:${port}`,
    open: () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve)),
  }
}
