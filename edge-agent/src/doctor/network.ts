/** The way to the broker: its name, its port, its certificate. */
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { isLoopback, ownValue } from '@millrace/platform'
import type { AgentConfig } from '../config.ts'
import { certificateFindings } from './certificate.ts'
import { type Finding, ok, wrong } from './finding.ts'

const withinMs = 5000
const ports: Record<string, number> = { 'mqtt:': 1883, 'mqtts:': 8883, 'ws:': 80, 'wss:': 443 }

interface Address {
  host: string
  port: number
  isTls: boolean
}

function addressOf(url: string): Address {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: Number(port) || (ownValue(ports, protocol) ?? 1883), isTls: protocol === 'mqtts:' || protocol === 'wss:' }
}

/** Stops at the first that is wrong: what comes after it would be wrong for the same reason. */
export async function checkNetwork({ uplink }: AgentConfig, nowMs: number): Promise<Finding[]> {
  const address = addressOf(uplink.url)
  const reached = await checkPort(address)
  if (reached.level === 'wrong' || !address.isTls) return [reached]
  return [reached, ...(await checkTls(address, uplink, nowMs))]
}

async function checkPort({ host, port }: Address): Promise<Finding> {
  if (!isLoopback(host) && !hasAddress())
    return wrong('network', 'no network interface has an address', 'Check cable, Wi-Fi or modem: ip address.')
  if (isIP(host) === 0) {
    const error = await lookup(host).then(
      () => undefined,
      (failed: NodeJS.ErrnoException) => failed,
    )
    if (error)
      return wrong(
        'network',
        `the name ${host} is not known (${error.code})`,
        'Check uplink.url, and the name server: /etc/resolv.conf.',
      )
  }
  const startedMs = performance.now()
  const failed = await reach(connectTcp({ host, port }), 'connect')
  if (failed === undefined) return ok('network', `${host}:${port} answers in ${(performance.now() - startedMs).toFixed(0)} ms`)
  const [says, remedy] = ownValue(reasons, failed) ?? [failed, 'Check uplink.url and the network.']
  return wrong('network', `${host}:${port}: ${says}`, remedy)
}

const reasons: Record<string, [says: string, remedy: string]> = {
  ECONNREFUSED: ['nothing listens there', 'Start the broker, or correct the port in uplink.url.'],
  ETIMEDOUT: ['no answer', 'Check the address in uplink.url, and firewalls on the way.'],
  EHOSTUNREACH: ['no way there', 'Check the address in uplink.url, and the route: ip route.'],
  ENETUNREACH: ['no way there', 'Check the address in uplink.url, and the route: ip route.'],
}

function hasAddress(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses!.some(({ internal }) => !internal))
}

async function checkTls({ host, port }: Address, uplink: AgentConfig['uplink'], nowMs: number): Promise<Finding[]> {
  let ca: Buffer | undefined
  try {
    ca = uplink.caFile === undefined ? undefined : readFileSync(uplink.caFile)
  } catch (error) {
    return [
      wrong(
        'tls',
        `uplink.caFile: ${(error as Error).message}`,
        'Copy the authority’s certificate there, readable by the agent.',
      ),
    ]
  }
  // What is wrong is to be said, not only that something is; nothing is sent over this connection.
  const socket = connectTls({ host, port, ca, rejectUnauthorized: false, ...(isIP(host) === 0 ? { servername: host } : {}) })
  let findings: Finding[] = []
  const failed = await reach(socket, 'secureConnect', (open) => {
    const peer = open.getPeerX509Certificate()
    if (peer) findings = certificateFindings({ peer, error: open.authorizationError, host, hasCa: ca !== undefined, nowMs })
  })
  if (failed === undefined) return findings
  const remedy = 'Set mqtt:// instead of mqtts://, or the port of TLS, in uplink.url.'
  return [wrong('tls', `${host}:${port} does not speak TLS (${failed})`, remedy)]
}

/** Returns why not. */
function reach<S extends Socket>(socket: S, event: string, seen: (open: S) => void = () => {}): Promise<string | undefined> {
  return new Promise((resolve) => {
    const end = (failed?: string) => {
      socket.destroy()
      resolve(failed)
    }
    socket.setTimeout(withinMs, () => end('ETIMEDOUT'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    socket.once(event, () => {
      seen(socket)
      end()
    })
  })
}
