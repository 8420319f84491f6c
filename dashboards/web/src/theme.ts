/** Dark or light: as the system says, until a choice is made here. */
import { computed, effect, signal } from '@preact/signals'

type Theme = 'dark' | 'light'
const key = 'millrace-theme'
const media = matchMedia('(prefers-color-scheme: dark)')
const system = signal<Theme>(media.matches ? 'dark' : 'light')
const chosen = signal<Theme | undefined>((localStorage.getItem(key) as Theme | null) ?? undefined)

export const theme = computed<Theme>(() => chosen.value ?? system.value)
/** Rises after the page has its new colours, so that canvases read them again. */
export const colours = signal(0)
export const reducedMotion = signal(false)

export function followTheme(): void {
  media.addEventListener('change', () => {
    system.value = media.matches ? 'dark' : 'light'
  })
  const motion = matchMedia('(prefers-reduced-motion: reduce)')
  reducedMotion.value = motion.matches
  motion.addEventListener('change', () => {
    reducedMotion.value = motion.matches
  })
  effect(() => {
    document.documentElement.dataset.theme = theme.value
    colours.value = colours.peek() + 1
  })
}

export function toggleTheme(): void {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark'
  localStorage.setItem(key, chosen.value)
}
