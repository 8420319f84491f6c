/**
 * The entries that were sent in this run and have no receipt yet. Each is *in flight* or *waiting* to be sent again.
 *
 *   sent ──► in flight ──receipt──► gone
 *              │  ▲
 *   time-out,  ▼  │ sent again, at or after `notBeforeMs`
 *   cut      waiting ──receipt──► gone
 *
 * The wait doubles with each sending of that entry. A cut connection makes all wait for the next one only, and a host that
 * takes no backlog makes the backlog wait for its credit only.
 */
import { inRanges, type Ranges } from '@millrace/contract'
import type { Entry, Lane } from '../outbox/index.ts'
import type { UplinkOptions } from './options.ts'

export interface Flight {
  entry: Entry
  inFlight: boolean
  lane: Lane
  /** On the wire. */
  bytes: number
  sends: number
  /** Rises with every sending of any entry. */
  order: number
  /** Monotonic and wall time of the last sending. */
  sentMs: number
  sentWallMs: number
  /** It is in flight no longer than that; the room is for others. */
  timeOutAtMs: number
  /** It is not sent again before that. */
  notBeforeMs: number
  /** Receipts of others that were sent after this. */
  passedBy: number
  /** Connections that ended while it was in flight. */
  cuts: number
  /** Sendings alone that failed. */
  trials: number
  /** Sendings that the host was not ready for: they say nothing about the entry. */
  held: number
}

export interface Load {
  count: number
  bytes: number
}

export interface Flights {
  /** In flight now, and how much of it is backlog. */
  readonly load: { all: Load; backlog: Load }
  readonly size: number
  sent(entry: Entry, lane: Lane, bytes: number, nowMs: number, nowWallMs: number): Flight
  /** It could not be sent after all. */
  postpone(entry: Entry, notBeforeMs: number): void
  receipted(got: Map<string, Ranges>, nowMs: number): Flight[]
  forget(flight: Flight): void
  /** Moves those without a receipt in time to waiting; true when there were any. */
  expire(nowMs: number): boolean
  cut(nowMs: number): void
  /** The host takes no backlog now, and drops what arrives of it: what is in flight waits for the credit, and for nothing else. */
  hold(nowMs: number): void
  /** Lets all that wait go at once. */
  hasten(nowMs: number): void
  /** Waiting and due, oldest entry first. */
  due(nowMs: number): Flight[]
  all(): IterableIterator<Flight>
}

export function createFlights(options: UplinkOptions, random: () => number): Flights {
  const flights = new Map<Entry, Flight>()
  const load = { all: { count: 0, bytes: 0 }, backlog: { count: 0, bytes: 0 } }
  let order = 0
  let roundTripMs = 0
  return {
    load,
    get size() {
      return flights.size
    },
    sent(entry, lane, bytes, nowMs, nowWallMs) {
      const flight = flights.get(entry) ?? newFlight(entry)
      land(flight)
      Object.assign(flight, {
        lane,
        bytes,
        sends: flight.sends + 1,
        order: ++order,
        sentMs: nowMs,
        sentWallMs: nowWallMs,
        inFlight: true,
      })
      flight.timeOutAtMs = nowMs + timeOutMs()
      flight.notBeforeMs = nowMs + backOffMs(flight.sends - flight.held)
      count(flight, 1)
      flights.set(entry, flight)
      return flight
    },
    postpone(entry, notBeforeMs) {
      const flight = flights.get(entry) ?? newFlight(entry)
      land(flight)
      flight.notBeforeMs = notBeforeMs
      flights.set(entry, flight)
    },
    receipted(got, nowMs) {
      const done: Flight[] = []
      for (const flight of flights.values()) {
        const ranges = got.get(flight.entry.stream)
        if (flight.sends > 0 && ranges && inRanges(ranges, flight.entry.number)) done.push(flight)
      }
      for (const flight of done) {
        // Of an entry sent twice nobody knows which sending was receipted.
        if (flight.sends === 1) roundTripMs += (nowMs - flight.sentMs - roundTripMs) / 8
        forget(flight)
      }
      const newest = done.reduce((high, flight) => Math.max(high, flight.order), 0)
      for (const flight of flights.values()) if (flight.sends > 0 && flight.order < newest) flight.passedBy += done.length
      return done
    },
    forget,
    expire(nowMs) {
      let any = false
      for (const flight of flights.values()) {
        if (!flight.inFlight || nowMs < flight.timeOutAtMs) continue
        land(flight)
        any = true
      }
      return any
    },
    cut(nowMs) {
      for (const flight of flights.values()) {
        if (flight.inFlight) flight.cuts++
        land(flight)
        flight.notBeforeMs = nowMs
      }
    },
    hold(nowMs) {
      for (const flight of flights.values()) {
        if (!flight.inFlight || flight.lane !== 'backlog') continue
        land(flight)
        flight.held++
        flight.notBeforeMs = nowMs
      }
    },
    hasten(nowMs) {
      for (const flight of flights.values()) if (!flight.inFlight) flight.notBeforeMs = Math.min(flight.notBeforeMs, nowMs)
    },
    due: (nowMs) =>
      [...flights.values()].filter((f) => !f.inFlight && f.notBeforeMs <= nowMs).sort((a, b) => a.entry.id - b.entry.id),
    all: () => flights.values(),
  }

  function forget(flight: Flight): void {
    land(flight)
    flights.delete(flight.entry)
  }

  function land(flight: Flight): void {
    if (!flight.inFlight) return
    flight.inFlight = false
    count(flight, -1)
  }

  function count({ lane, bytes }: Flight, sign: number): void {
    for (const of of lane === 'backlog' ? [load.all, load.backlog] : [load.all]) {
      of.count += sign
      of.bytes += sign * bytes
    }
  }

  /** On a slow link a receipt may well take longer than the configured time. */
  function timeOutMs(): number {
    return Math.min(options.resendMsMax, Math.max(options.resendMs, 3 * roundTripMs))
  }

  function backOffMs(sends: number): number {
    return Math.min(options.resendMsMax, timeOutMs() * 2 ** (sends - 1)) * (1 + 0.2 * random())
  }
}

function newFlight(entry: Entry): Flight {
  const never = {
    sends: 0,
    order: 0,
    sentMs: 0,
    sentWallMs: 0,
    timeOutAtMs: 0,
    notBeforeMs: 0,
    passedBy: 0,
    cuts: 0,
    trials: 0,
    held: 0,
  }
  return { entry, inFlight: false, lane: 'backlog', bytes: 0, ...never }
}
