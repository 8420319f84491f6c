/** What a command of `millrace` is. */
export interface Command {
  usage: string
  purpose: string
  /** @returns the exit code */
  run(args: string[]): Promise<number>
}
