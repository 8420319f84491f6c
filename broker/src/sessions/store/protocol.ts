/** What the store's thread and the broker say to each other. */
/** A session by its number in the file, as it was found. */
export interface LoadedSession {
  session: number
  client: string
  user: string
  filters: [filter: string, qos: 0 | 1 | 2][]
  messages: number
  /** Topics and payloads. */
  bytes: number
  lastId: number
}
export interface RetainedRow {
  topic: string
  payload: Uint8Array
  qos: 0 | 1 | 2
}

/** Of a client that was connected when the broker ended. */
export interface WillRow extends RetainedRow {
  client: string
  user: string
  retain: boolean
}

export interface Loaded {
  sessions: LoadedSession[]
  retained: RetainedRow[]
  wills: WillRow[]
}

export type Change =
  | { k: 'session'; session: number; client: string; user: string }
  | { k: 'subscribe'; session: number; filter: string; qos: number }
  | { k: 'unsubscribe'; session: number; filter: string }
  /** The session, and all that it is owed. */
  | { k: 'forget'; session: number }
  /** The payload is in the group's buffer. */
  | { k: 'owe'; id: number; session: number; topic: string; qos: number; from: number; to: number }
  | { k: 'free'; id: number }
  | ({ k: 'retain' } & RetainedRow)
  | { k: 'unretain'; topic: string }
  | ({ k: 'will' } & WillRow)
  | { k: 'no-will'; client: string }

/** One transaction; changes act in their order. */
export interface Group {
  changes: Change[]
  buffer: Uint8Array
}

export interface OwedRow {
  id: number
  topic: string
  payload: Uint8Array
  qos: 1 | 2
}

/** Rows of a session with ids above `after`: at most so many, and no more once so many bytes are reached. */
export interface PageAsked {
  session: number
  after: number
  rows: number
  bytes: number
}

export type StoreAsk = { k: 'group'; group: Group } | { k: 'page'; page: PageAsked }
