/** NOTICE: the packages that a running Millrace loads, with their licences, from package-lock.json. */
import { readFileSync } from 'node:fs'

interface Locked {
  version: string
  license?: string
  resolved?: string
  integrity?: string
  dev?: boolean
  link?: boolean
}

interface LockedPackage {
  name: string
  version: string
  licence: string
  /** What only tests and checks use. */
  isDev: boolean
  /** Empty: the registry that npm is set to. */
  resolved: string
  integrity: string
}

/** Of others than Millrace. */
export function lockedPackages(): LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'))
  return Object.entries<Locked>(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, { version, license = 'unknown', dev = false, resolved = '', integrity = '' }]) => ({
      name: path.split('node_modules/').at(-1)!,
      version,
      licence: license,
      isDev: dev,
      resolved,
      integrity,
    }))
}

export function noticePage(): string {
  const shipped = lockedPackages().filter(({ isDev }) => !isDev)
  const lines = shipped.map(({ name, version, licence }) => `${name} ${version}  ${licence}`)
  return [
    'Millrace',
    'Copyright 2026 The Millrace authors. Licensed under the Apache License, Version 2.0; see LICENSE.',
    '',
    'Millrace loads these packages, each under its own licence, whose text lies in the package:',
    '',
    ...[...new Set(lines)].sort(),
    '',
  ].join('\n')
}
