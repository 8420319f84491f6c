/** With real sockets and the real limits; they run at the same time. */

import { connect, type Socket } from 'node:net'
import { metricsEndpointSchema, serveMetricsEndpoint } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { msUntilCut } from '@millrace/platform/testing/raw-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWeb } from './testing/web.ts'

let page: Awaited<ReturnType<typeof startWeb>>
let metrics: NonNullable<Awaited<ReturnType<typeof serveMetricsEndpoint>>>
beforeAll(async () => {
  page = await startWeb()
  const config = metricsEndpointSchema.parse({ port: await freePort() })
  metrics = (await serveMetricsEndpoint(config, { health: () => ({}), metrics: () => '' }))!
})
afterAll(async () => {
  await page.web.close()
  await metrics.close()
})

const servers = [
  ['page', () => page.web.port],
  ['metrics endpoint', () => metrics.port],
] as const

describe.concurrent.each(servers)('the %s', (_, portOf) => {
  it.concurrent('closes a connection on which nothing comes', async () => {
    expect(await msUntilCut(portOf(), '')).toBeLessThan(7_000)
  }, 20_000)

  it.concurrent('closes a connection whose headers do not end', async () => {
    expect(await drip(portOf(), 'GET /health HTTP/1.1\r\nhost: localhost\r\n', 'a: b\r\n')).toBeLessThan(7_000)
  }, 20_000)

  it.concurrent('closes a connection whose body does not end', async () => {
    const head = 'POST /api/alarms/ack HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000\r\n\r\n'
    expect(await drip(portOf(), head, 'a')).toBeLessThan(12_500)
  }, 20_000)

  it.concurrent('closes a connection that it kept for a further request', async () => {
    expect(await msUntilCut(portOf(), `GET /health HTTP/1.1\r\nhost: localhost:${portOf()}\r\n\r\n`)).toBeLessThan(8_500)
  }, 20_000)
})

/** How long a connection lives on which a few bytes come every fifth of a second. */
async function drip(port: number, head: string, more: string): Promise<number> {
  const startMs = performance.now()
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(head)
  const timer = setInterval(() => socket.write(more), 200)
  await new Promise((resolve) => socket.on('close', resolve).resume())
  clearInterval(timer)
  return performance.now() - startMs
}

it('one address cannot take the connections of another', async () => {
  const { web, url, metrics } = await startWeb({ set: { viewersMax: 1 } })
  const idle: Socket[] = []
  for (let k = 0; k < 300; k++)
    idle.push(connect({ port: web.port, host: '127.0.0.1', localAddress: '127.0.0.9' }).on('error', () => {}))
  await expect.poll(() => metrics.expose(), { timeout: 5000 }).toMatch(/^millrace_web_connections_refused_total 43$/m)
  expect((await fetch(`${url}/health`)).status).toBe(200)
  for (const socket of idle) socket.destroy()
  await web.close()
})
