/** One of a few choices, side by side. */
interface SegmentsProps<T> {
  label: string
  choices: { value: T; text: string }[]
  chosen: T
  choose(value: T): void
}

export function Segments<T extends string | number>({ label, choices, chosen, choose }: SegmentsProps<T>) {
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      {choices.map(({ value, text }) => (
        <button type="button" key={value} aria-pressed={chosen === value} onClick={() => choose(value)}>
          {text}
        </button>
      ))}
    </fieldset>
  )
}
