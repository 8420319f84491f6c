/** Switches the sound of alarms on, and silences it for a stated time. */
import { timeText } from '../format.ts'
import { isSilent, isSoundOn, silenceFor, silentUntilMs, soundAgain, switchOn } from '../live/sound.ts'

const minutes = [2, 10, 30]

export function SoundSwitch() {
  if (!isSoundOn.value)
    return (
      <button type="button" class="quiet" onClick={() => void switchOn()}>
        Turn sound on
      </button>
    )
  if (isSilent.value)
    return (
      <button type="button" class="quiet" onClick={soundAgain}>
        Silent until {timeText(silentUntilMs.value)}
      </button>
    )
  return (
    <select
      aria-label="Sound of alarms"
      value=""
      onInput={(event) => event.currentTarget.value !== '' && silenceFor(Number(event.currentTarget.value))}
    >
      <option value="">Sound is on</option>
      {minutes.map((n) => (
        <option key={n} value={`${n}`}>
          Silent for {n} min
        </option>
      ))}
    </select>
  )
}
