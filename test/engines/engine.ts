/**
 * What a real engine, or a tool, is to the tests: it can be found on this machine, got from a package registry, and an engine
 * can be started on loopback. Adding one is one folder here and one line in `index.ts`.
 */

/** Where it is, and which. */
export interface Found {
  version: string
  /** A folder of the cache, a program on PATH, or the address of one that runs already. */
  where: string
  /** Of the folder in the cache. */
  bytes?: number
}

/** Something that a test needs and the registries give. */
export interface Tool {
  name: string
  /** One line for `--list`. */
  what: string
  /** Which registry, under which name, and how much of it. */
  from: string
  /** Got only when it is asked for by name. */
  isOptional?: boolean
  find(): Promise<Found | undefined>
  /** Into the cache. @throws Error with the reason and the remedy. */
  get(say: (text: string) => void): Promise<void>
}

/** A tool that is one program. */
export interface ProgramTool extends Tool {
  /** The path of the program. @throws Error when it is not there. */
  program(): Promise<string>
}

export interface StartOptions {
  /** Of this one engine alone: its data, configuration and output. Starting in it again goes on with its data. */
  dir: string
  /** A free one by default. */
  port?: number
}

export interface Engine<O extends StartOptions = StartOptions, R extends RunningEngine = RunningEngine> extends Tool {
  /** The environment variable that names one which runs already, such as `ENGINE_KAFKA=127.0.0.1:9092`. */
  variable: `ENGINE_${string}`
  /** What its address is made of: `host:port`, or `http://host:port`. */
  protocol: 'tcp' | 'http'
  /** Resolves when it does its work. @throws Error with the last lines of its output. */
  start(options: O): Promise<R>
}

export interface RunningEngine {
  /** `host:port`, or a URL without a slash at its end for what speaks HTTP. */
  address: string
  /** Of the process that runs now; undefined while it is down, and always of an engine that another program started. */
  readonly pid: number | undefined
  dir: string
  /** Asks it to end, and makes it end when it will not. Does nothing to an engine that another program started. */
  stop(): Promise<void>
  /** SIGKILL. @throws Error when another program started it. */
  kill(): Promise<void>
  /** Ends it when it runs, and starts it with the same data on the same port. Resolves when it does its work again. */
  restart(): Promise<void>
  /** SIGSTOP: its connections stay open and nothing answers. */
  freeze(): void
  /** SIGCONT. */
  resume(): void
}
