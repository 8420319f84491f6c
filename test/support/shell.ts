/** The terminals of a person who follows a guide. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { missing } from './guide.ts'
import { userEnvironment } from './npm-start.ts'

const patienceMs = 90_000
const stopMs = 30_000

interface Terminal {
  commands: string
  child: ChildProcess
  said: string
  ended: Promise<number | null>
}

export class Shell {
  folder: string
  readonly translate: (text: string) => string
  readonly #terminals: Terminal[] = []

  constructor(folder: string, translate: (text: string) => string) {
    this.folder = folder
    this.translate = translate
  }

  /** To their end. Where something else is expected they are run again for a while: a guide says that it may take a moment. */
  async run(commands: string, expected: string[]): Promise<void> {
    for (const untilMs = performance.now() + patienceMs; ; ) {
      const terminal = this.#open(commands)
      const code = await terminal.ended
      const lacking = missing(terminal.said, expected.map(this.translate))
      if (code === 0 && lacking === undefined) break
      if (expected.length === 0 || performance.now() > untilMs)
        throw new Error(
          `${commands}ended with ${code}, ${lacking === undefined ? '' : `without "${lacking}"`}:\n${terminal.said}`,
        )
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    for (const [, folder] of commands.matchAll(/^cd (\S+)$/gm)) this.folder = join(this.folder, folder!)
  }

  /** In a terminal of its own, until what is expected was printed. */
  async start(commands: string, expected: string[]): Promise<void> {
    const terminal = this.#open(commands)
    this.#terminals.push(terminal)
    const lines = expected.map(this.translate)
    for (const untilMs = performance.now() + patienceMs; missing(terminal.said, lines) !== undefined; ) {
      if (performance.now() > untilMs || terminal.child.exitCode !== null)
        throw new Error(`${commands}did not print "${missing(terminal.said, lines)}":\n${terminal.said}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** Ctrl-C in the terminals whose commands have this word. */
  async stop(word: string): Promise<void> {
    const those = this.#terminals.filter(({ commands }) => commands.includes(word))
    for (const terminal of those) this.#terminals.splice(this.#terminals.indexOf(terminal), 1)
    await Promise.all(those.map(interrupt))
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#terminals.splice(0).reverse().map(interrupt))
  }

  #open(commands: string): Terminal {
    const child = spawn('bash', ['-ec', this.translate(commands)], {
      cwd: this.folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: userEnvironment(),
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const terminal: Terminal = { commands, child, said: '', ended }
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        terminal.said += chunk
      })
    return terminal
  }
}

async function interrupt({ child, commands, ended }: Terminal): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid!, 'SIGINT')
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, stopMs, 'late').unref())
  if ((await Promise.race([ended, late])) !== 'late') return
  process.kill(-child.pid!, 'SIGKILL')
  throw new Error(`Ctrl-C did not end ${commands}`)
}
