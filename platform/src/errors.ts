/**
 * Every error that a person may see: what it says, the remedy, and whether a retry helps. Branch on the code, never on text.
 * Codes are `<PROCESS OR PART>_<WHAT>`; add one here, keep the list sorted.
 */
import { ownValue } from './own.ts'

export const catalogue = {
  AGENT_CLOCK_BACK: {
    says: 'The clock is {seconds} s behind the newest reading of the device {device}: it has been set back.',
    remedy:
      'Nothing is lost: new readings get times 1 ms apart after the newest one until the clock has caught up. Synchronise the clock by NTP, and set it before the agent starts.',
    retry: false,
  },
  AGENT_ENROL: {
    says: 'The authority {url} gave no certificate: {detail}.',
    remedy:
      'Nothing was changed. Correct what is named and try again with the same token; a new one is made by `millrace ca token`.',
    retry: true,
  },
  AGENT_OUTBOX_CORRUPT: {
    says: 'The outbox {path} is damaged and was renamed to {aside}.',
    remedy:
      'The agent continues with what could be recovered from it; the rest is named in a gap. Check the disk or card, and keep the renamed file until the ledger closes.',
    retry: false,
  },
  AGENT_OUTBOX_FULL: {
    says: 'Cannot write to the outbox {path}: the disk is full ({detail}).',
    remedy: 'Free disk space; until then readings wait in memory, and past its bound the oldest are recorded as a gap.',
    retry: true,
  },
  AGENT_OUTBOX_IO: {
    says: 'The outbox {path} cannot be read or written ({detail}).',
    remedy: 'Check the disk or card and the permissions of the folder; until then readings wait in memory.',
    retry: true,
  },
  AGENT_OUTBOX_LOCKED: {
    says: 'Another agent uses the outbox {path}.',
    remedy: 'Stop the other agent, or give this one its own dataDir.',
    retry: false,
  },
  AGENT_OUTBOX_NEWER: {
    says: 'The outbox {path} has format {format}, which is newer than this agent.',
    remedy: 'Upgrade this agent, or give it an empty dataDir.',
    retry: false,
  },
  AGENT_SETUP: {
    says: 'Nothing was written: {detail}.',
    remedy: 'Run `millrace-agent setup` again with an answer of that form.',
    retry: false,
  },
  AGENT_SPOOL_ABSENT: {
    says: 'There is no outbox {path}.',
    remedy: 'Name the configuration of the agent with --config; the outbox lies in its dataDir once the agent has run.',
    retry: false,
  },
  AGENT_SPOOL_IN_USE: {
    says: 'An agent that runs has the outbox {path} for itself.',
    remedy: 'Stop the agent, and try again; `millrace-agent status` says what waits while it runs.',
    retry: true,
  },
  ALARMS_STATE_NEWER: {
    says: 'The saved state of the alarms has format {found}; this version reads up to {known}.',
    remedy: 'Run the version that wrote it, or a later one.',
    retry: false,
  },
  ARCHIVE_DAMAGED: {
    says: 'The manifest {path} of the archive is damaged: {detail}.',
    remedy:
      'Check the disk. Remove this one file: the version before it counts then, and what came since is archived again while the log still has it; `millrace archive verify` says what is missing. Else bring the folder back from a copy.',
    retry: false,
  },
  ARCHIVE_NEWER: {
    says: 'The manifest {path} of the archive has format {found}; this version knows {known}.',
    remedy: 'Install the newer version again, or give the sink another folder.',
    retry: false,
  },
  ARCHIVE_NONE: {
    says: 'There is no archive in the folder {path}.',
    remedy:
      'Name the folder of the sink with --archive, or configure one: `sinks: { archive: { kind: archive } }`. It publishes for the first time when the processor starts.',
    retry: false,
  },
  ARCHIVE_TAKEN: {
    says: 'Another process has published the manifest {path} of the archive.',
    remedy:
      'Nothing is lost: the partition is taken up again from there. Where this comes again and again, two sinks write into one folder: give each its own.',
    retry: true,
  },
  BACKUP_DAMAGED: {
    says: 'The backup {path} is incomplete: {detail}.',
    remedy: 'Use another backup; this one restores nothing.',
    retry: false,
  },
  BACKUP_EXISTS: {
    says: '{path} is not empty.',
    remedy: 'Give an empty folder, or move the existing files away first: restore overwrites nothing.',
    retry: false,
  },
  BACKUP_NOTHING: {
    says: '{path} has no log of a processor.',
    remedy: 'Name the dataDir of a processor on the embedded log; Kafka and stores elsewhere have backups of their own.',
    retry: false,
  },
  BROKER_METRICS_UNAVAILABLE: {
    says: 'The metrics endpoint of the broker at {address} does not answer: {detail}.',
    remedy: 'Start the broker, or set metrics.port in its configuration and start it again.',
    retry: true,
  },
  BROKER_REVOKED_UNREADABLE: {
    says: 'Cannot read the list of revoked certificates {path} ({detail}).',
    remedy: 'Correct the key tls.revokedFile, or have the list written: `millrace ca init`.',
    retry: false,
  },
  BROKER_STORE_CORRUPT: {
    says: 'The store of sessions {path} is damaged or is not a file of this kind: {detail}',
    remedy: 'Move the file away and start again: messages that only this file holds are lost. Keep it for recovery.',
    retry: false,
  },
  BROKER_STORE_LOCKED: {
    says: 'Another process uses the store of sessions {path}.',
    remedy: 'Stop the other broker, or give this one its own store.path.',
    retry: false,
  },
  BROKER_STORE_NEWER: {
    says: 'The store of sessions {path} has format {version}; this version knows {known}.',
    remedy: 'Install the newer version again, or start with another store.path.',
    retry: false,
  },
  BROKER_STORE_OPEN: {
    says: 'Cannot open the store of sessions {path}: {detail}',
    remedy: 'Check that the folder exists and this user may write in it.',
    retry: true,
  },
  BROKER_STORE_WRITE: {
    says: 'Cannot write the store of sessions {path}: {detail}',
    remedy: 'Check the disk and its free space; publishers keep what has no PUBACK and send it again.',
    retry: true,
  },
  BROKER_TLS_UNREADABLE: {
    says: 'Cannot use the certificate {certFile} with the key {keyFile} ({detail}).',
    remedy: 'Give PEM files that this user may read and that belong together.',
    retry: false,
  },
  BROKER_USERS_INVALID: {
    says: 'Users file {path} line {line} is not user:scrypt:N:r:p:salt:hash:role[:arguments].',
    remedy: 'Remove the line and add the user with `millrace-broker passwd`.',
    retry: false,
  },
  BROKER_USERS_NOT_FOUND: {
    says: 'Cannot read the users file {path}.',
    remedy: 'Add a first user with `millrace-broker passwd`, or correct the key users.',
    retry: false,
  },
  BROKER_USER_INVALID: {
    says: 'User {name}: {detail}.',
    remedy: 'See the table of roles in broker/README.md.',
    retry: false,
  },
  CA_ABSENT: {
    says: 'There is no authority in {path}.',
    remedy: 'Make one with `millrace ca init`, or name its folder with --data.',
    retry: false,
  },
  CA_FILE: {
    says: 'Cannot use the register of the authority {path}: {detail}',
    remedy:
      'Check that this user may write it. A damaged one comes back from a backup of the folder; without it gateways enrol again.',
    retry: false,
  },
  CA_NAME: {
    says: 'No certificate for {name}: {detail}.',
    remedy: 'Give a name of that form.',
    retry: false,
  },
  CONFIG_INVALID: {
    says: 'Configuration {path} is not valid: {detail}',
    remedy: 'Correct the named key; the command `check --config <file>` of the same program tests a file without starting.',
    retry: false,
  },
  CONFIG_NOT_FOUND: {
    says: 'Cannot read the configuration {path}.',
    remedy: 'Give an existing file with --config.',
    retry: false,
  },
  DATA_FOLDER: {
    says: 'The folder {path} cannot be used ({detail}).',
    remedy: 'Name a folder that this user may write (for data: `dataDir`), or give this user the right to it.',
    retry: false,
  },
  EDGE_CAPTURE_INVALID: {
    says: 'The capture {path} cannot be read or written: {detail}.',
    remedy:
      'Give a file that `millrace-agent record` made, or the raw bytes of a line; `record` writes a file that does not exist yet.',
    retry: false,
  },
  EDGE_DEVICE_REFUSED: {
    says: 'The device {device} is not what its decoder is set to: {detail}.',
    remedy: 'Correct the decoder of the device; until then nothing of it is read.',
    retry: false,
  },
  EDGE_DEVICE_UNREADABLE: {
    says: 'Nothing that the device {device} sends is a frame of {decoder} ({link}): {detail}.',
    remedy: 'Check which instrument it is, its framing and the settings of the line.',
    retry: true,
  },
  EDGE_SERIAL_OPEN: {
    says: 'Cannot open {path} ({detail}).',
    remedy: 'Add this user to the group "dialout", or set bus.path.',
    retry: true,
  },
  EDGE_SERIAL_UNAVAILABLE: {
    says: 'The port {path} is there but cannot be opened ({detail}).',
    remedy: 'Stop the other program that holds it (`fuser` names it), or add this user to the group "dialout".',
    retry: true,
  },
  EDGE_TCP_CONNECT: {
    says: 'Cannot connect to {host}:{port} ({detail}).',
    remedy: 'Check that the device is on and bus.host is right.',
    retry: true,
  },
  GATEWAYS_FILE: {
    says: 'The file of gateways {path} cannot be used: {detail}.',
    remedy:
      'Check the disk and the permissions of the folder. Without it roll-outs are forgotten; gateways keep what they run, and report again when they connect.',
    retry: false,
  },
  GATEWAYS_LINK_OPEN: {
    says: 'Gateways are not ordered to do anything: the link between processor and broker is not authenticated.',
    remedy:
      'Give the bridge an account of the broker (bridge.username and bridge.passwordFile), and mqtts:// where the broker is on another machine.',
    retry: false,
  },
  IMPORT_BROKER: {
    says: 'The job {path} names no broker, and {file} none either.',
    remedy: 'Add `uplink: { url: ... }` to the job, or start Millrace with `npm start` and name its folder with --data.',
    retry: false,
  },
  IMPORT_CHANGED: {
    says: 'The file {path} has changed after {rows} rows of it were imported: {detail}.',
    remedy:
      'What was imported stays. Put the file back as it was, and import again; or give the changed one another name, and it is imported as a new file, of which the store keeps what it has already once.',
    retry: false,
  },
  IMPORT_CHANNEL: {
    says: 'Two sources describe the channel {channel} of {device} in different ways.',
    remedy: 'Give it the same kind, unit, code, min and max in both, or another name in one.',
    retry: false,
  },
  IMPORT_DEVICE_TAKEN: {
    says: 'The device {device} of {path} is one of the edge node {node}.',
    remedy:
      'A name belongs to the node that brought it first. Give the imported device another name, by `device.name` or `device.prefix` of the job; the registry (`millrace device`) can put both to one subject.',
    retry: false,
  },
  IMPORT_FILE: {
    says: 'The file {path} cannot be imported: {detail}.',
    remedy: 'Correct the file or the job. Nothing after that place was imported; other files are.',
    retry: false,
  },
  IMPORT_TOO_OLD: {
    says: 'Row {row} of {path} is older than the store keeps, which is from {kept} on.',
    remedy:
      'The import has stopped before it. Raise the retention of the store (`store.retention.days`, 0 is without limit), start the processor again and import again; or say `tooOld: refuse` in the job to leave such rows out.',
    retry: false,
  },
  LISTENER_NOT_LOOPBACK: {
    says: 'Listener {host} is not on loopback and has no {missing}.',
    remedy: 'Listen on 127.0.0.1, or configure TLS and a credential.',
    retry: false,
  },
  LOG_BUSY: {
    says: 'More than {bytesMax} bytes wait for the disk.',
    remedy:
      'Nothing is lost; senders try again. If it continues, the disk is too slow for the load; log.queueBytesMax is the bound.',
    retry: true,
  },
  LOG_CLOSED: {
    says: 'The log {path} is closed.',
    remedy: 'Start the processor again.',
    retry: false,
  },
  LOG_CORRUPT: {
    says: 'The log {path} is damaged or is not a file of this kind: {detail}',
    remedy: 'Move the file away and start again; agents send again what has no receipt. Keep the file for recovery.',
    retry: false,
  },
  LOG_DAMAGED: {
    says: 'The log {path} is damaged: {topic}/{partition} cannot be read from offset {from} to {last} ({detail}).',
    remedy:
      'What lies around it goes on; what it held is counted as lost, under a gap. Check the disk; restore a backup where what it held matters.',
    retry: false,
  },
  LOG_FULL: {
    says: 'The log {path} has reached {bytesMax} bytes.',
    remedy:
      'It accepts records again when old ones are removed: find the stage that lags (millrace_stage_lag_records), or raise log.bytesMax.',
    retry: true,
  },
  LOG_LOCKED: {
    says: 'Another process uses the log {path}.',
    remedy: 'Stop the other processor, or give this one its own dataDir.',
    retry: false,
  },
  LOG_NEWER: {
    says: 'The log {path} has format {version}; this version knows {known}.',
    remedy: 'Install the newer version again, or start with another dataDir.',
    retry: false,
  },
  LOG_NOT_ENCRYPTED: {
    says: 'Kafka at {host} is not on loopback, and log.tls is not set.',
    remedy: 'Set log.tls; log.insecurePlaintext allows it where the network itself is trusted.',
    retry: false,
  },
  LOG_OFFSET_GONE: {
    says: 'Offset {from} of {topic}/{partition} is not in the log, which holds {start} to {end}.',
    remedy:
      'Read from the start of the log. The records before it were removed by log.retention; what the store had read of them is in the store.',
    retry: false,
  },
  LOG_OPEN: {
    says: 'Cannot open the log {path}: {detail}',
    remedy: 'Check that the folder exists and this user may write in it, or that Kafka can be reached.',
    retry: true,
  },
  LOG_PARTITIONS: {
    says: 'The log {path} was made with {has} partitions, not {asked}.',
    remedy: 'Set log.partitions to what it has; the number cannot change.',
    retry: false,
  },
  LOG_READ: {
    says: 'Cannot read the log {path}: {detail}',
    remedy: 'Check the disk, or that Kafka can be reached.',
    retry: true,
  },
  LOG_REPLACED: {
    says: 'The topics of the log {path} were deleted and created again while it was open.',
    remedy: 'Start the processor again: it reads the new log from its beginning.',
    retry: false,
  },
  LOG_RESCUED: {
    says: 'The log {path} was damaged: a new file has what could be read of it ({blocks} blocks). The damaged one is {aside}.',
    remedy:
      'What could not be read is counted as lost, under a gap. Check the disk, and keep the damaged file as long as what it held may matter.',
    retry: false,
  },
  LOG_SNAPSHOT_DAMAGED: {
    says: 'The log {path} is damaged: the snapshot of {stage}/{partition} cannot be read ({detail}).',
    remedy: 'The one before it is used, or else what the log still holds is read again. Check the disk.',
    retry: false,
  },
  LOG_WRITE: {
    says: 'Cannot write the log {path}: {detail}',
    remedy: 'Check the disk and its free space, or that Kafka can be reached.',
    retry: true,
  },
  NOTIFY_OUTBOX_NEWER: {
    says: 'The notification outbox {path} has format {found}; this version reads up to {known}.',
    remedy: 'Run the version that wrote it, or a later one.',
    retry: false,
  },
  NOTIFY_REFUSED: {
    says: 'The receiver {target} refused the notification ({detail}).',
    remedy: 'It is not sent again; correct the receiver or its configuration.',
    retry: false,
  },
  NOTIFY_UNKNOWN: {
    says: 'No receiver is named "{target}"; there are {known}.',
    remedy: 'Name one of `notifier.to` by its `name`.',
    retry: false,
  },
  NOTIFY_UNREACHABLE: {
    says: 'The receiver {target} did not take the notification ({detail}).',
    remedy: 'Millrace sends it again; check that the receiver runs and its URL is correct.',
    retry: true,
  },
  PEOPLE_FILE: {
    says: 'The file of accounts {path} cannot be used: {detail}.',
    remedy:
      'Check its permissions and its disk. Without it nobody can log in; restore it from a backup, or move it away and begin with a new admin.',
    retry: false,
  },
  PEOPLE_INVALID: { says: 'Not accepted: {detail}.', remedy: 'Correct the named value.', retry: false },
  PEOPLE_LAST_ADMIN: {
    says: '{name} is the only account with the role admin.',
    remedy: 'Give the role admin to another account first.',
    retry: false,
  },
  PEOPLE_UNKNOWN: { says: 'There is no account {name}.', remedy: '`millrace user list` names the accounts.', retry: false },
  PREPARE_TIME_REPEATED: {
    says: 'A batch of an agent has two readings of one channel in the same millisecond ({detail}); a store could keep only one of them.',
    remedy:
      'The batch is in the rejected topic with its bytes. Upgrade the agent: earlier versions could give readings of a burst the same millisecond.',
    retry: false,
  },
  PROCESS_PORT_IN_USE: { says: 'Port {port} is in use.', remedy: 'Stop what listens there, or set another port.', retry: false },
  RECORDING_INVALID: {
    says: 'The recording {path} cannot be played: {detail}.',
    remedy:
      'Give a WFDB header (.hea, formats 16 and 212), an NMEA log (.log, .nmea, .txt), a capture of `millrace-agent record` (.capture) or a raw capture (.bin).',
    retry: false,
  },
  REGISTRY_LOADING: {
    says: 'The device registry was not read from the log yet.',
    remedy: "Try again in a few seconds; if it stays so, the processor's log says why.",
    retry: true,
  },
  REGISTRY_REFUSED: {
    says: 'The device registry was not changed: {detail}',
    remedy: 'To mend it: {remedy} Then give the order again.',
    retry: false,
  },
  SCENARIO_UNKNOWN: {
    says: 'There is no scenario {name}.',
    remedy: 'Name one of {known}, or the path of a file.',
    retry: false,
  },
  SIMULATOR_PTY: {
    says: 'Cannot make a pseudo-terminal ({detail}).',
    remedy: 'Install the optional dependencies of @lydell/node-pty for this platform, or set port: tcp in the scenario.',
    retry: false,
  },
  SINK_RECORD_REFUSED: {
    says: 'A sink cannot write a record ({detail}).',
    remedy: 'The record is in the rejected topic with its bytes; all other records are written.',
    retry: false,
  },
  STAGES_LEFT_OUT: {
    says: 'This processor does not run {stages}, and no other can: only one process can use the embedded log.',
    remedy: 'Leave `stages` out, or set log.kind to kafka to share the work among several processors.',
    retry: false,
  },
  STAGE_INPUT_GONE: {
    says: 'Stage {stage} needs offset {wanted} of {topic}, but the log starts at {start}.',
    remedy:
      'Restore the log from a backup, or give the processor an empty dataDir: the stage then starts at the beginning of the log.',
    retry: false,
  },
  STORE_ANSWER_TOO_LARGE: {
    says: 'The store’s answer would have more than {max} {what}.',
    remedy: 'Ask for a shorter time or longer steps, or raise store.pointsMax.',
    retry: false,
  },
  STORE_CHANNEL_TOO_FINE: {
    says: 'The time resolution of the store’s engine is too coarse for the samples of {detail}.',
    remedy:
      'Every other channel is stored; this one is in the rejected topic. Use a store with a resolution of microseconds (embedded, InfluxDB, QuestDB), or have the device give at most 1,000 samples a second.',
    retry: false,
  },
  STORE_CLOSED: {
    says: 'The store {path} is closed.',
    remedy: 'Start the processor again.',
    retry: false,
  },
  STORE_CORRUPT: {
    says: 'The store {path} is damaged or is not a file of this kind: {detail}',
    remedy:
      'Move the file away and start again: the store is filled again from what the log still holds. Keep the file for recovery.',
    retry: false,
  },
  STORE_DAMAGED: {
    says: 'The store {path} is damaged: {place} cannot be read ({detail}).',
    remedy:
      'What lies around it is read; what it held is a gap with the reason damaged. Check the disk. Where the log still holds that time, move the store’s file away: it is filled again. Else restore a backup.',
    retry: false,
  },
  STORE_DOCUMENT_REFUSED: {
    says: 'The document store refused a document ({detail}).',
    remedy: 'The record is in the rejected topic with its bytes; all other documents are stored.',
    retry: false,
  },
  STORE_INSECURE: {
    says: 'The store {url} is not on loopback and has no TLS.',
    remedy: 'Give an https URL, or set store.insecure where the network itself is trusted.',
    retry: false,
  },
  STORE_LOCKED: {
    says: 'Another process uses the store {path}.',
    remedy: 'Stop the other processor, or give this one its own dataDir.',
    retry: false,
  },
  STORE_NEWER: {
    says: 'The store {path} has format {version}; this version knows {known}.',
    remedy: 'Install the newer version again, or start with another dataDir.',
    retry: false,
  },
  STORE_OPEN: {
    says: 'Cannot open the store {path}: {detail}',
    remedy: 'Check that the folder exists and this user may write in it, or that the engine runs and its address is right.',
    retry: true,
  },
  STORE_POINT_NAME: {
    says: 'The name {detail} holds a backslash or a control character, which the store’s line protocol cannot represent.',
    remedy: 'Rename the device or channel at its source; the readings are in the rejected topic.',
    retry: false,
  },
  STORE_POINT_REFUSED: {
    says: 'The store’s engine refuses the point: {detail}',
    remedy:
      'Correct what the engine names, such as a field of another type; then replay the rejected point with `millrace replay rejected`.',
    retry: false,
  },
  STORE_POINT_RETENTION: {
    says: 'The reading is outside the retention of the store: {detail}',
    remedy:
      'Raise store.retentionDays and the retention of the engine to keep readings of that age; otherwise nothing is to be done.',
    retry: false,
  },
  STORE_POINT_TEXT: {
    says: 'The store’s engine stores only numbers, and the reading is {detail}.',
    remedy: 'Use an engine that stores text, or do not send the channel.',
    retry: false,
  },
  STORE_POINT_VALUE: {
    says: 'The store cannot hold the value {detail}.',
    remedy: 'Correct the decoder or codec that made it; the reading is in the rejected topic.',
    retry: false,
  },
  STORE_READ: {
    says: 'Cannot read the store {path}: {detail}',
    remedy: 'Check the disk, or that the engine runs and can be reached.',
    retry: true,
  },
  STORE_SETUP: {
    says: 'Cannot set up the store {path}: {detail}',
    remedy: 'Check its address and the permissions of the credential, then run `millrace setup`.',
    retry: true,
  },
  STORE_WRITE: {
    says: 'Cannot write the store {path}: {detail}',
    remedy:
      'Check the disk and its free space, or that the engine runs and can be reached; until then the records wait in the log.',
    retry: true,
  },
  WEB_AUTHENTICATION: {
    says: 'This page requires a name and a password.',
    remedy: 'Log in with your account, or use the name and password of web.credential.',
    retry: false,
  },
  WEB_BODY: { says: 'The request body is not valid: {detail}', remedy: 'Send JSON as the API describes it.', retry: false },
  WEB_FAILED: { says: 'The request failed.', remedy: "The processor's log says why; try again.", retry: true },
  WEB_FORBIDDEN: {
    says: '{name} may not do this: {detail}.',
    remedy: 'Ask an admin for the role or the scope.',
    retry: false,
  },
  WEB_FOREIGN_HOST: {
    says: 'The host name {host} is not allowed.',
    remedy: 'Open it as localhost, or add the name to web.hosts.',
    retry: false,
  },
  WEB_FOREIGN_ORIGIN: {
    says: 'Only this page itself may request a change ({detail}).',
    remedy: 'Send the Origin of this page and the content type application/json.',
    retry: false,
  },
  WEB_LINK: {
    says: 'This link was used before, or is too old.',
    remedy: 'Ask an admin for a new one, or run `millrace user link`.',
    retry: false,
  },
  WEB_LOGIN: {
    says: 'The name or the password is not right.',
    remedy: 'Try again, or ask an admin for a new link.',
    retry: false,
  },
  WEB_LOGIN_THROTTLED: {
    says: 'There were too many wrong passwords.',
    remedy: 'Wait a few seconds, and try again.',
    retry: true,
  },
  WEB_QUERY: { says: 'The query is not valid: {detail}', remedy: 'Correct the named parameter.', retry: false },
  WEB_TRIALS: { says: '{limit} trials of limits are at work.', remedy: 'Try again in a few seconds.', retry: true },
  WEB_UNKNOWN: { says: 'Not found: {what}.', remedy: 'Check the name; /api/fleet lists devices and channels.', retry: false },
  WEB_VIEWERS: {
    says: 'All {limit} live connections are in use.',
    remedy: 'Close a page, or raise web.viewersMax.',
    retry: true,
  },
} as const satisfies Record<string, { says: string; remedy: string; retry: boolean }>

export type ErrorCode = keyof typeof catalogue

export class MillraceError extends Error {
  readonly code: ErrorCode
  readonly retry: boolean

  constructor(code: ErrorCode, values: Record<string, string | number> = {}, cause?: unknown) {
    const { says, remedy, retry } = catalogue[code]
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name) => `${ownValue(values, name) ?? whole}`)
    const text = fill(says)
    super(`${code}: ${/[.!?]$/.test(text) ? text : `${text}.`} ${fill(remedy)}`, { cause })
    this.name = 'MillraceError'
    this.code = code
    this.retry = retry
  }
}
