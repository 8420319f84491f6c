/**
 * Objects whose keys are names from outside: of devices, channels, topics. An object inherits members, so that
 * `channels['constructor']` is a function, and a write to `channels['__proto__']` is lost. These look at own members only.
 * A Map needs none of this; an object is what JSON makes. `test/tidy/own.test.ts` finds what passes them by.
 */
type Named<T> = Readonly<Record<string, T>>

export function ownValue<T>(of: Named<T>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined
}

export function setOwn<T>(of: Record<string, T>, name: string, value: T): void {
  if (name !== '__proto__') of[name] = value
  else Object.defineProperty(of, name, { value, configurable: true, enumerable: true, writable: true })
}

/** What is there under the name, made where nothing is. */
export function ownOr<T>(of: Record<string, T>, name: string, make: () => T): T {
  if (!Object.hasOwn(of, name)) setOwn(of, name, make())
  return of[name]!
}
