/** The processes of membership.ts that share partitions. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { MemberOptions } from './membership-member.ts'

const script = fileURLToPath(new URL('membership-member.ts', import.meta.url))

interface Member {
  child: ChildProcess
  held: string[]
}

export class Group {
  /** Lines that its processes printed. */
  changes = 0
  readonly #options: MemberOptions
  readonly #members = new Set<Member>()
  #look = () => {}

  constructor(options: MemberOptions) {
    this.#options = options
  }

  add(): void {
    const child = spawn(process.execPath, [script, JSON.stringify(this.#options)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const member: Member = { child, held: [] }
    this.#members.add(member)
    createInterface(child.stdout!).on('line', (line) => {
      this.changes++
      member.held = JSON.parse(line) as string[]
      this.#look()
    })
  }

  /** The one that has been here longest. */
  end(signal: 'SIGKILL' | 'SIGTERM'): void {
    const [member] = this.#members
    this.#members.delete(member!)
    member!.child.kill(signal)
  }

  /** Milliseconds until each partition is held once, by so many evenly. */
  async untilShared(count: number): Promise<number> {
    const { partitions } = this.#options
    const beganMs = performance.now()
    const isShared = () => {
      const all = [...this.#members].flatMap(({ held }) => held)
      const most = Math.max(...[...this.#members].map(({ held }) => held.length))
      return new Set(all).size === partitions && all.length === partitions && most <= Math.ceil(partitions / count)
    }
    while (!isShared()) {
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
    return performance.now() - beganMs
  }

  stop(): void {
    for (const { child } of this.#members) child.kill('SIGKILL')
  }
}
