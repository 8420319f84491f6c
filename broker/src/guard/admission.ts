/**
 * Room for connections: so many in all from one address, and so many whose user is not yet known. When there is no room for
 * another of those, the one that has waited longest for its CONNECT is closed, so idle sockets cannot lock others out.
 */
import type { Socket } from 'node:net'
import type { Refusal } from '../refusals.ts'
import type { ByteSocket } from './byte-socket.ts'

export interface AdmissionLimits {
  preAuthConnections: number
  connectionsPerAddress: number
}

export class Admission {
  readonly #limits: AdmissionLimits
  readonly #refused: (reason: Refusal, address: string) => void
  readonly #perAddress = new Map<string, number>()
  /** By `peerOf`: the raw socket of a TLS connection and its TLS socket are one peer. */
  readonly #waiting = new Map<string, Socket>()
  readonly #checking = new Set<string>()

  constructor(limits: AdmissionLimits, refused: (reason: Refusal, address: string) => void) {
    this.#limits = limits
    this.#refused = refused
  }

  get preAuth(): number {
    return this.#waiting.size + this.#checking.size
  }

  /** A socket was accepted. False: it was refused and destroyed. */
  enter(socket: Socket): boolean {
    const address = socket.remoteAddress
    if (address === undefined) return !socket.destroy()
    const count = (this.#perAddress.get(address) ?? 0) + 1
    const { connectionsPerAddress } = this.#limits
    if (connectionsPerAddress > 0 && count > connectionsPerAddress) return this.#turnAway(socket, address, 'address-full')
    if (!this.#makeRoom()) return this.#turnAway(socket, address, 'pre-auth-full')
    const peer = peerOf(socket)
    this.#perAddress.set(address, count)
    this.#waiting.set(peer, socket)
    socket.once('close', () => this.#leave(peer, address))
    return true
  }

  /** Its CONNECT is there: it is not the one to be closed for want of room. */
  greeted(socket: ByteSocket): void {
    const peer = peerOf(socket)
    if (this.#waiting.delete(peer)) this.#checking.add(peer)
  }

  /** Its user is known. */
  opened(socket: ByteSocket): void {
    this.#checking.delete(peerOf(socket))
  }

  /** Destroys who still waits: a TLS handshake has no connection yet. */
  close(): void {
    for (const socket of this.#waiting.values()) socket.destroy()
  }

  #makeRoom(): boolean {
    if (this.preAuth < this.#limits.preAuthConnections) return true
    const [oldest] = this.#waiting
    if (!oldest) return false
    this.#waiting.delete(oldest[0])
    this.#turnAway(oldest[1], oldest[1].remoteAddress ?? 'unknown', 'pre-auth-full')
    return true
  }

  #turnAway(socket: Socket, address: string, reason: Refusal): false {
    this.#refused(reason, address)
    socket.destroy()
    return false
  }

  #leave(peer: string, address: string): void {
    this.#waiting.delete(peer)
    this.#checking.delete(peer)
    const count = this.#perAddress.get(address)! - 1
    if (count > 0) this.#perAddress.set(address, count)
    else this.#perAddress.delete(address)
  }
}

function peerOf(socket: ByteSocket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
