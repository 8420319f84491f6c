/** The processor's time as this browser reckons it; `nowSecond` moves once a second and drives ages and clocks. */
import { signal } from '@preact/signals'

let offsetMs = 0
export const nowSecond = signal(Date.now())

export function serverNow(): number {
  return Date.now() + offsetMs
}

/** The least delayed event tells the offset best; a clock that was set moves it slowly the other way. */
export function setServerTime(serverMs: number): void {
  const offset = serverMs - Date.now()
  offsetMs = offset > offsetMs || Math.abs(offset - offsetMs) > 5000 ? offset : offsetMs + (offset - offsetMs) * 0.05
}

setInterval(() => {
  nowSecond.value = serverNow()
}, 1000)
