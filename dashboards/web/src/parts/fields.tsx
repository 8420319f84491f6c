/** What the dialogs share. */

/** Under it this browser remembers who signs. */
export const nameKey = 'millrace-name'

export interface FieldParts {
  value: string
  set: (value: string) => void
}

export function Signature({ value, set }: FieldParts) {
  return (
    <label>
      Your name
      <input required maxLength={100} autoComplete="name" value={value} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  )
}

export function Note({ label, isNeeded, value, set }: FieldParts & { label: string; isNeeded: boolean }) {
  return (
    <label>
      <span>
        {label} {!isNeeded && <span class="soft">(optional)</span>}
      </span>
      <textarea rows={2} required={isNeeded} maxLength={1000} value={value} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  )
}

export function Failure({ text }: { text: string }) {
  if (text === '') return null
  return (
    <p class="wants" role="alert">
      {text}
    </p>
  )
}

export function Buttons({ title, isReady, cancel }: { title: string; isReady: boolean; cancel: () => void }) {
  return (
    <div class="dialog-end">
      <button type="button" class="quiet" onClick={cancel}>
        Cancel
      </button>
      <button type="submit" class="main" disabled={!isReady}>
        {title}
      </button>
    </div>
  )
}
