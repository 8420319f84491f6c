/**
 * The revoked certificates for those who are to refuse them, written from the register: whole, at every change, and again each day.
 *
 *     revoked    our broker: one a line, `<serial> <name>`; read again within a quarter of a second
 *     ca.crl     Mosquitto (`crlfile`): a list by RFC 5280, PEM; read at its start and at SIGHUP
 *
 * `revoke` writes them itself. When it is ended between the register and the lists, the endpoint sees the change and writes them.
 */
import { join } from 'node:path'
import { writeDurably } from '@millrace/platform'
import { revocationList } from './authority.ts'
import type { Known, Register } from './register.ts'

export const listsIn = (dir: string) => ({ revokedFile: join(dir, 'revoked'), crlFile: join(dir, 'ca.crl') })

export async function writeLists(dir: string, register: Pick<Register, 'revoked'>): Promise<void> {
  // Of two that write at the same time the later one has all: entries are added and never removed.
  for (let written = -1; written !== register.revoked().length; ) written = await write(dir, register.revoked())
}

async function write(dir: string, revoked: Known[]): Promise<number> {
  const { revokedFile, crlFile } = listsIn(dir)
  const lines = revoked.map(({ serial, name }) => `${serial} ${name}\n`)
  writeDurably(revokedFile, `# Revoked certificates; written by millrace ca.\n${lines.join('')}`, 0o644)
  const entries = revoked.map(({ serial, revokedMs }) => ({ serial, atMs: revokedMs! }))
  writeDurably(crlFile, await revocationList(dir, entries), 0o644)
  return revoked.length
}
