/** docs/reference/access.md, from the table of roles that the broker goes by. */
import { policy, roles } from '../../broker/src/access/policy.ts'
import { head, table } from './text.ts'

const code = (filters: string[]) => filters.map((filter) => `\`${filter}\``).join('<br>') || 'nothing'

/** What holds for every role: on our broker, and on Mosquitto with the files that `renderMosquitto` makes. */
const everyRole = [
  ['publish to another topic', 'the connection is closed', 'dropped'],
  ['retained message', 'as a publish', 'as a publish'],
  ['will', 'as a publish: else CONNACK 5, and at its time by the users file as it is then', 'dropped at its time'],
  ['publish to `$...`', 'acknowledged and dropped, for every role', 'dropped'],
  ['subscribe to a filter wider than the right', 'SUBACK 0x80', 'granted; of its messages those within the right are delivered'],
  ['shared subscription `$share/...`', 'SUBACK 0x80, for every role', 'as the filter behind it'],
  [
    'client certificate',
    '`tls.clientCaFile`; its name is the user, or a node `group/node` without an entry',
    'a listener of its own; each name needs an entry',
  ],
  ['two passwords of one user', '`millrace-broker passwd --add`', 'two users with the same role and arguments'],
  ['revocation', 'closes sessions within a second', 'read at SIGHUP; open sessions go on: restart it'],
]

export function accessPage(): string {
  const rows = roles.map((role) => {
    const { takes, publish, subscribe } = policy[role]
    return [`\`${role}\``, takes, code(publish), code(subscribe)]
  })
  return [
    head('Who may publish and read what', '`broker/src/access/policy.ts`'),
    "Roles of the broker's users and of client certificates. `{name}` stands for the role's arguments (`--args`). Everything that is not named is refused.",
    '',
    table(['role', 'arguments', 'may publish', 'may subscribe'], rows),
    '',
    '## What holds for every role',
    '',
    table(['action', 'our broker', 'Mosquitto'], everyRole),
    '',
    'The cases of `test/failures/access-matrix/cases.ts` are tried on both.',
    '',
  ].join('\n')
}
