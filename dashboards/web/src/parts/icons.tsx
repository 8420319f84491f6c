/** Small line icons, drawn here: no icon font, no network. */
import type { ComponentChildren } from 'preact'

const shapes = {
  high: <path d="M8 1.8 15 14H1L8 1.8Zm0 4.4v3.6m0 1.9v.2" />,
  medium: <path d="M8 1.5 14.5 8 8 14.5 1.5 8 8 1.5Zm0 3.2v4m0 2v.2" />,
  low: <path d="M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm0 5.2v4.6m0-6.4v.2" />,
  check: <path d="m2.5 8.5 3.6 3.6 7.4-8" />,
  cross: <path d="m3.5 3.5 9 9m0-9-9 9" />,
  sun: (
    <path d="M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM8 .8v1.6m0 11.2v1.6M.8 8h1.6m11.2 0h1.6M2.9 2.9 4 4m8 8 1.1 1.1m0-10.2L12 4M4 12l-1.1 1.1" />
  ),
  moon: <path d="M13.8 9.8A6 6 0 0 1 6.2 2.2a6 6 0 1 0 7.6 7.6Z" />,
  fleet: <path d="M1.5 2.5h5.5v4.5H1.5zm7.5 0h5.5v4.5H9zm-7.5 7h5.5v4.5H1.5zm7.5 0h5.5v4.5H9z" />,
  alarms: (
    <path d="M8 1.6c2.6 0 4.4 1.9 4.4 4.5 0 3.4 1.4 4.6 1.4 5.3H2.2c0-.7 1.4-1.9 1.4-5.3 0-2.6 1.8-4.5 4.4-4.5Zm-1.6 12h3.2" />
  ),
  pipeline: <path d="M1.5 8h3.2m6.6 0h3.2M4.7 5.5h6.6v5H4.7z" />,
  back: <path d="M9.8 3 4.8 8l5 5" />,
  link: <path d="M2 6.2a8.6 8.6 0 0 1 12 0M4.4 9a5.2 5.2 0 0 1 7.2 0M8 12.2v.2" />,
  clock: <path d="M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM8 4.6V8l2.4 1.6" />,
  off: <path d="M2 2l12 12M5.2 5.2a4 4 0 0 0 5.6 5.6M8 4a4 4 0 0 1 4 4" />,
  person: <path d="M8 1.8a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM2.4 14.2c0-2.9 2.5-4.4 5.6-4.4s5.6 1.5 5.6 4.4" />,
  search: <path d="M7 2.2a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6Zm3.5 8.3 3.4 3.4" />,
} satisfies Record<string, ComponentChildren>

export type IconName = keyof typeof shapes

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  )
}
