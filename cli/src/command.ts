/** What a command of `millrace` is. */
export interface Command {
  usage: string
  purpose: string
  /** @returns the exit code */
  run(args: string[]): Promise<number>
}

/** Not the folder of `millrace up`, which writes its configuration at every start. */
export const lanData = 'millrace-lan'
