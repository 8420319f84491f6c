/**
 * Sound and browser notifications of open alarms, for who switched them on: a burst of pulses when one wants somebody, again while nobody
 * acknowledges it, more often the more urgent it is (after IEC 60601-1-8: ten pulses for high, three for medium, one for low). It can be
 * silenced for a stated time, and sounds again afterwards.
 */
import type { AlarmRecord } from '@millrace/contract'
import { computed, effect, signal } from '@preact/signals'
import { openAlarms } from './model.ts'
import { soundOf } from './sound-due.ts'
import { nowSecond } from './time.ts'

const key = 'millrace-sound'

/** Switched on by a press of a button: a browser lets no page make a sound before. */
export const isSoundOn = signal(false)
export const silentUntilMs = signal(Number(localStorage.getItem(key) ?? 0))
export const isSilent = computed(() => silentUntilMs.value > nowSecond.value)

const pulses = { high: 10, medium: 3, low: 1 }

export function silenceFor(minutes: number): void {
  silentUntilMs.value = nowSecond.value + minutes * 60_000
  localStorage.setItem(key, `${silentUntilMs.value}`)
}

export function soundAgain(): void {
  silentUntilMs.value = 0
  localStorage.removeItem(key)
}

let audio: AudioContext | undefined

export async function switchOn(): Promise<void> {
  audio ??= new AudioContext()
  await audio.resume()
  isSoundOn.value = true
  soundAgain()
  if ('Notification' in window && Notification.permission === 'default') await Notification.requestPermission()
}

export function followAlarms(): void {
  let known = new Set<string>()
  let lastMs = 0
  effect(() => {
    const alarms = openAlarms.value
    const now = nowSecond.value
    const due = soundOf(alarms, known, now - lastMs)
    if (!isSoundOn.value || isSilent.value || !due) return
    if (!known.has(due.id)) show(due)
    known = new Set(alarms.map(({ id }) => id))
    lastMs = now
    play(pulses[due.priority])
  })
}

/** Beside the page, where a person does not look at it. */
function show({ id, priority, subject, text }: AlarmRecord): void {
  if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return
  new Notification(`${subject}: ${text}`, { tag: id, requireInteraction: priority === 'high' })
}

function play(count: number): void {
  if (!audio) return
  for (let k = 0; k < count; k++) {
    const fromS = audio.currentTime + k * 0.25 + (k >= 5 ? 0.5 : 0)
    const tone = audio.createOscillator()
    const level = audio.createGain()
    tone.frequency.value = 660
    level.gain.setValueAtTime(0, fromS)
    level.gain.linearRampToValueAtTime(0.2, fromS + 0.02)
    level.gain.linearRampToValueAtTime(0, fromS + 0.15)
    tone.connect(level).connect(audio.destination)
    tone.start(fromS)
    tone.stop(fromS + 0.16)
  }
}
