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
import { makeFolder } from '@millrace/platform'
import { type Role, rightsOf } from '../access/policy.ts'

export interface MosquittoUser {
  name: string
  password: string
  role: Role
  args?: readonly string[]
}

export interface MosquittoFiles {
  config: string
  acl: string
  passwd: string
}

/** What mosquitto_passwd 2.0 uses. */
const iterations = 101

/** Writes the three files into `dir`. Start with `mosquitto -c <config>`. @throws MillraceError BROKER_USER_INVALID, DATA_FOLDER. */
export async function renderMosquitto(given: { port: number; dir: string; users: MosquittoUser[] }): Promise<MosquittoFiles> {
  const { port, dir, users } = given
  const files = { config: join(dir, 'mosquitto.conf'), acl: join(dir, 'acl'), passwd: join(dir, 'passwd') }
  makeFolder(dir)
  const write = (path: string, lines: string[]) => writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  await write(files.acl, users.flatMap(aclOf))
  await write(files.passwd, users.map(passwordOf))
  await write(files.config, configOf(port, files))
  return files
}

function configOf(port: number, { acl, passwd }: MosquittoFiles): string[] {
  return [
    `listener ${port} 127.0.0.1`,
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

function passwordOf({ name, password }: MosquittoUser): string {
  const salt = randomBytes(12)
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
  return `${name}:$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}`
}
