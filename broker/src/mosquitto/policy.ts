/**
 * The same policy for Mosquitto 2: its configuration, its ACL file and its password file.
 *
 *     passwd   user:$7$<iterations>$<salt, base64>$<PBKDF2-HMAC-SHA512 of the password, 64 bytes, base64>
 *     acl      user <name>, then lines `topic read|write <filter>`
 *
 * scrypt hashes cannot be converted, so both files are made where the passwords are known: when the users are created.
 */
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { MillraceError, makeFolder } from '@millrace/platform'
import { type Role, rightsOf } from '../access/policy.ts'
import { checkUser } from '../access/users-file.ts'

export interface MosquittoUser {
  name: string
  /** Absent: known by a client certificate of this common name alone. */
  password?: string
  role: Role
  args?: readonly string[]
}

/** A second listener, by TLS, for clients with certificates: there the common name is the user, and passwords are not looked at. */
export interface MosquittoCertificates {
  host?: string
  port: number
  certFile: string
  keyFile: string
  /** Authority of the clients' certificates. */
  clientCaFile: string
  /** As `millrace ca` writes it; read at the start and at SIGHUP. */
  crlFile?: string
}

export interface MosquittoGiven {
  port: number
  dir: string
  users: MosquittoUser[]
  certificates?: MosquittoCertificates
}

export interface MosquittoFiles {
  config: string
  acl: string
  passwd: string
}

/** What mosquitto_passwd 2.0 uses. */
const iterations = 101

/** Writes the three files into `dir`. Start with `mosquitto -c <config>`. @throws MillraceError BROKER_USER_INVALID, DATA_FOLDER. */
export async function renderMosquitto(given: MosquittoGiven): Promise<MosquittoFiles> {
  const { dir, users } = given
  for (const user of users) checkFor(user, given)
  const files = { config: join(dir, 'mosquitto.conf'), acl: join(dir, 'acl'), passwd: join(dir, 'passwd') }
  makeFolder(dir)
  const write = (path: string, lines: string[]) => writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  await write(files.acl, users.flatMap(aclOf))
  await write(files.passwd, users.flatMap(passwordOf))
  await write(files.config, configOf(given, files))
  return files
}

/** Mosquitto takes blanks off both ends of what it reads: another user or filter than the one that was meant. */
function checkFor({ name, password, role, args = [] }: MosquittoUser, { certificates }: MosquittoGiven): void {
  const fail = (detail: string) => {
    throw new MillraceError('BROKER_USER_INVALID', { name, detail })
  }
  checkUser(name, role, args)
  const blank = [name, ...args].find((text) => text !== text.trim())
  if (blank !== undefined) fail(`"${blank}" begins or ends with a blank, which Mosquitto's files do not keep`)
  if (password === undefined && !certificates) fail('it has no password, and there is no listener for certificates')
}

function configOf({ port, certificates }: MosquittoGiven, { acl, passwd }: MosquittoFiles): string[] {
  return [
    `listener ${port} 127.0.0.1`,
    ...(certificates ? listenerOf(certificates) : []),
    `user ${userInfo().username}`,
    'allow_anonymous false',
    `password_file ${passwd}`,
    `acl_file ${acl}`,
    'persistence false',
    'log_dest stderr',
    'set_tcp_nodelay true',
    // As limits.packetBytes, offlineMessages and offlineBytes of our broker.
    'message_size_limit 262144',
    'max_queued_messages 10000',
    'max_queued_bytes 16777216',
    'max_inflight_messages 1000',
  ]
}

function listenerOf({ host = '127.0.0.1', port, certFile, keyFile, clientCaFile, crlFile }: MosquittoCertificates): string[] {
  return [
    `listener ${port} ${host}`,
    `certfile ${certFile}`,
    `keyfile ${keyFile}`,
    `cafile ${clientCaFile}`,
    ...(crlFile === undefined ? [] : [`crlfile ${crlFile}`]),
    'require_certificate true',
    'use_identity_as_username true',
  ]
}

/** Mosquitto knows no order among lines: everything not named is refused. Reading is checked when a message is delivered. */
function aclOf({ name, role, args = [] }: MosquittoUser): string[] {
  const { publish, subscribe } = rightsOf(name, role, args)
  return [
    `user ${name}`,
    ...publish.map((levels) => `topic write ${levels.join('/')}`),
    ...subscribe.map((levels) => `topic read ${levels.join('/')}`),
    '',
  ]
}

function passwordOf({ name, password }: MosquittoUser): string[] {
  if (password === undefined) return []
  const salt = randomBytes(12)
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
  return [`${name}:$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}`]
}
