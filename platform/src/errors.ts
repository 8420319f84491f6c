/**
 * Every error that a person may see: what it says, the remedy, and whether a retry helps. Branch on the code, never on text.
 * Codes are `<PROCESS OR PART>_<WHAT>`; add one here, keep the list sorted.
 */
export const catalogue = {
  AGENT_CLOCK_BACK: {
    says: 'The clock is {seconds} s behind the newest reading of the device {device}: it was set back.',
    remedy:
      'Nothing is lost: where readings have these times already, they go on 1 ms apart above them until the clock has caught up. Keep the clock by NTP, and set it before the agent starts.',
    retry: false,
  },
  AGENT_OUTBOX_CORRUPT: {
    says: 'The outbox {path} is damaged and was set aside as {aside}.',
    remedy: 'Nothing stops; send the set-aside file to support if its readings matter.',
    retry: false,
  },
  AGENT_OUTBOX_FULL: {
    says: 'The disk of the outbox {path} takes no more ({detail}).',
    remedy: 'Free disk space; until then readings wait in memory, and past its bound the oldest are recorded as a gap.',
    retry: true,
  },
  AGENT_OUTBOX_IO: {
    says: 'The outbox {path} cannot be read or written ({detail}).',
    remedy: 'Check the disk or card and the rights of the folder; until then readings wait in memory.',
    retry: true,
  },
  AGENT_OUTBOX_LOCKED: {
    says: 'Another agent uses the outbox {path}.',
    remedy: 'Stop the other agent, or give this one a dataDir of its own.',
    retry: false,
  },
  AGENT_OUTBOX_NEWER: {
    says: 'The outbox {path} has format {format}, which is newer than this agent.',
    remedy: 'Upgrade this agent, or give it an empty dataDir.',
    retry: false,
  },
  ALARMS_STATE_NEWER: {
    says: 'The saved state of the alarms has format {found}; this version reads up to {known}.',
    remedy: 'Run the version that wrote it, or a later one.',
    retry: false,
  },
  BACKUP_DAMAGED: {
    says: 'The backup {path} is not whole: {detail}.',
    remedy: 'Use another backup; this one restores nothing.',
    retry: false,
  },
  BACKUP_EXISTS: {
    says: 'There is something in {path} already.',
    remedy: 'Name an empty folder, or move what is there away first: nothing is written over.',
    retry: false,
  },
  BACKUP_NOTHING: {
    says: 'No log of a processor is in {path}.',
    remedy: 'Name the dataDir of a processor on the embedded log; Kafka and stores elsewhere have backups of their own.',
    retry: false,
  },
  BROKER_STORE_CORRUPT: {
    says: 'The store of sessions {path} is damaged or is another kind of file: {detail}',
    remedy: 'Set the file aside and start again: messages that only it holds are lost. Keep it for recovery.',
    retry: false,
  },
  BROKER_STORE_LOCKED: {
    says: 'Another process uses the store of sessions {path}.',
    remedy: 'Stop the other broker, or give this one a store.path of its own.',
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
  CONFIG_INVALID: {
    says: 'Configuration {path} is not valid: {detail}',
    remedy: 'Correct the named key; --check tests a file without starting.',
    retry: false,
  },
  CONFIG_NOT_FOUND: {
    says: 'Cannot read the configuration {path}.',
    remedy: 'Give an existing file with --config.',
    retry: false,
  },
  EDGE_SERIAL_OPEN: {
    says: 'Cannot open {path} ({detail}).',
    remedy: 'Add this user to the group "dialout", or set bus.path.',
    retry: true,
  },
  EDGE_TCP_CONNECT: {
    says: 'Cannot connect to {host}:{port} ({detail}).',
    remedy: 'Check that the device is on and bus.host is right.',
    retry: true,
  },
  LISTENER_NOT_LOOPBACK: {
    says: 'Listener {host} is not on loopback and has no {missing}.',
    remedy: 'Listen on 127.0.0.1, or configure TLS and a credential.',
    retry: false,
  },
  LOG_BUSY: {
    says: 'More than {bytesMax} bytes wait for the disk.',
    remedy: 'Nothing is lost; senders try again. If it lasts, the disk is too slow: see log.queueBytesMax.',
    retry: true,
  },
  LOG_CLOSED: {
    says: 'The log {path} is closed.',
    remedy: 'Start the processor again.',
    retry: false,
  },
  LOG_CORRUPT: {
    says: 'The log {path} is damaged or is another kind of file: {detail}',
    remedy: 'Set the file aside and start again; agents send again what was not receipted. Keep the file for recovery.',
    retry: false,
  },
  LOG_FULL: {
    says: 'The log {path} has reached {bytesMax} bytes.',
    remedy: 'It goes on when records are trimmed: see which reader lags, or raise log.bytesMax.',
    retry: true,
  },
  LOG_LOCKED: {
    says: 'Another process uses the log {path}.',
    remedy: 'Stop the other processor, or give this one a log.path of its own.',
    retry: false,
  },
  LOG_NEWER: {
    says: 'The log {path} has format {version}; this version knows {known}.',
    remedy: 'Install the newer version again, or start with another log.path.',
    retry: false,
  },
  LOG_NOT_ENCRYPTED: {
    says: 'Kafka at {host} is not on loopback, and log.tls is not set.',
    remedy: 'Set log.tls; log.insecurePlaintext allows it where the network itself is trusted.',
    retry: false,
  },
  LOG_OFFSET_GONE: {
    says: 'Offset {from} of {topic}/{partition} is not in the log, which holds {start} to {end}.',
    remedy: 'Reset the reader to the start of the log; what was trimmed is in the archive.',
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
    says: 'The topics of the log {path} were made anew while it was open.',
    remedy: 'Start the processor again: it reads the new log from its beginning.',
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
    remedy: 'It is set aside and not sent again; correct the receiver or its configuration.',
    retry: false,
  },
  NOTIFY_UNREACHABLE: {
    says: 'The receiver {target} did not take the notification ({detail}).',
    remedy: 'It is sent again by itself; check that the receiver runs and its URL is right.',
    retry: true,
  },
  PREPARE_TIME_REPEATED: {
    says: 'An agent’s batch gives a millisecond of a channel twice ({detail}); stores could not tell its readings apart.',
    remedy:
      'They are among the rejected, with their bytes. Upgrade the agent: earlier ones put what came in a burst less than 1 ms apart.',
    retry: false,
  },
  PROCESS_PORT_IN_USE: { says: 'Port {port} is in use.', remedy: 'Stop what listens there, or set another port.', retry: false },
  RECORDING_INVALID: {
    says: 'The recording {path} cannot be played: {detail}.',
    remedy: 'Give a WFDB header (.hea, formats 16 and 212), an NMEA log (.log, .nmea, .txt) or a raw capture (.bin).',
    retry: false,
  },
  SIMULATOR_PTY: {
    says: 'Cannot make a pseudo-terminal ({detail}).',
    remedy: 'Install the optional dependencies of @lydell/node-pty for this platform, or set port: tcp in the scenario.',
    retry: false,
  },
  SINK_RECORD_REFUSED: {
    says: 'A sink does not take a record ({detail}).',
    remedy: 'It is in the rejected topic with its bytes; its neighbours are written.',
    retry: false,
  },
  STAGES_LEFT_OUT: {
    says: 'This processor does not do {stages}, and nobody else can: the embedded log belongs to one process.',
    remedy: 'Leave `stages` out, or set log.kind to kafka to share the work among several processors.',
    retry: false,
  },
  STAGE_INPUT_GONE: {
    says: 'Stage {stage} needs offset {wanted} of {topic}, but the log starts at {start}.',
    remedy: 'Restore the log from a backup, or start the stage anew from an empty store with `millrace replay`.',
    retry: false,
  },
  STORE_CHANNEL_TOO_FINE: {
    says: 'The store’s engine cannot tell the samples of {detail} apart: they come faster than it has times.',
    remedy:
      'Every other channel is stored; this one is among the rejected. Use a store that tells times apart by the microsecond (embedded, InfluxDB, QuestDB), or have the device give at most 1,000 samples a second.',
    retry: false,
  },
  STORE_CLOSED: {
    says: 'The store {path} is closed.',
    remedy: 'Start the processor again.',
    retry: false,
  },
  STORE_CORRUPT: {
    says: 'The store {path} is damaged or is another kind of file: {detail}',
    remedy: 'Set the file aside and start again; it is filled again from the log and the archive.',
    retry: false,
  },
  STORE_DOCUMENT_REFUSED: {
    says: 'The document store does not take a document ({detail}).',
    remedy: 'It is in the rejected topic with its bytes; its neighbours are stored.',
    retry: false,
  },
  STORE_INSECURE: {
    says: 'The store {url} is not on loopback and has no TLS.',
    remedy: 'Give an https URL, or set store.insecure where the network itself is trusted.',
    retry: false,
  },
  STORE_LOCKED: {
    says: 'Another process uses the store {path}.',
    remedy: 'Stop the other processor, or give this one a store path of its own.',
    retry: false,
  },
  STORE_NEWER: {
    says: 'The store {path} has format {version}; this version knows {known}.',
    remedy: 'Install the newer version again, or start with another path.',
    retry: false,
  },
  STORE_OPEN: {
    says: 'Cannot open the store {path}: {detail}',
    remedy: 'Check that the folder exists and this user may write in it, or that the engine runs and its address is right.',
    retry: true,
  },
  STORE_POINT_NAME: {
    says: 'The name {detail} holds a backslash or a control character, which the store’s line protocol cannot spell.',
    remedy: 'Rename the device or channel at its source; the readings are among the rejected.',
    retry: false,
  },
  STORE_POINT_REFUSED: {
    says: 'The store’s engine refuses the point: {detail}',
    remedy:
      'See what the engine says of it, such as a field of another type; the point is among the rejected and can be replayed after a fix.',
    retry: false,
  },
  STORE_POINT_RETENTION: {
    says: 'The reading lies outside the time that the store keeps: {detail}',
    remedy: 'Nothing; or raise store.retentionDays and the retention of the engine.',
    retry: false,
  },
  STORE_POINT_TEXT: {
    says: 'The store’s engine holds numbers only, and the reading is {detail}.',
    remedy: 'Use an engine that holds text, or leave the channel out at its source.',
    retry: false,
  },
  STORE_POINT_VALUE: {
    says: 'The store cannot hold the value {detail}.',
    remedy: 'Correct the decoder or codec that made it; the reading is among the rejected.',
    retry: false,
  },
  STORE_READ: {
    says: 'Cannot read the store {path}: {detail}',
    remedy: 'Check the disk, or that the engine runs and can be reached.',
    retry: true,
  },
  STORE_SETUP: {
    says: 'Cannot set up the store {path}: {detail}',
    remedy: 'Check its address and the rights of the credential; `millrace setup` does it by hand.',
    retry: true,
  },
  STORE_WRITE: {
    says: 'Cannot write the store {path}: {detail}',
    remedy: 'Check the disk and its free space, or that the engine runs and can be reached; the log keeps what waits.',
    retry: true,
  },
  WEB_AUTHENTICATION: {
    says: 'This page needs a name and a password.',
    remedy: 'Give the credential that web.credential names.',
    retry: false,
  },
  WEB_BODY: { says: 'The request body is not valid: {detail}', remedy: 'Send JSON as the API describes it.', retry: false },
  WEB_FAILED: { says: 'The request failed.', remedy: "The processor's log says why; try again.", retry: true },
  WEB_FOREIGN_HOST: {
    says: 'The host name {host} is not one of this page.',
    remedy: 'Open it as localhost, or add the name to web.hosts.',
    retry: false,
  },
  WEB_FOREIGN_ORIGIN: {
    says: 'A change may be asked for only by this page itself ({detail}).',
    remedy: 'Send the Origin of this page and the content type application/json.',
    retry: false,
  },
  WEB_QUERY: { says: 'The query is not valid: {detail}', remedy: 'Correct the named parameter.', retry: false },
  WEB_UNKNOWN: { says: 'There is no {what}.', remedy: 'Check the name; /api/fleet lists devices and channels.', retry: false },
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
    const text = says.replace(/\{(\w+)\}/g, (whole, name) => `${values[name] ?? whole}`)
    super(`${code}: ${text} ${remedy}`, { cause })
    this.name = 'MillraceError'
    this.code = code
    this.retry = retry
  }
}
