/**
 * Every reason for which a connection, a subscription or a message is refused: what it means and the clause of MQTT 3.1.1
 * it rests on, or the limit. Counted under `millrace_broker_refused_total{reason}`; each harms only the one who caused it.
 *
 * `connack` is the return code that is sent first, where the norm has one; all others just close the connection.
 */
export interface RefusalText {
  says: string
  rests: string
  connack?: 1 | 2 | 3 | 4 | 5
}

export const refusals = {
  // The fixed header.
  'type-reserved': { says: 'packet type 0 or 15', rests: 'table 2.1' },
  'type-server-only': { says: 'a packet that only a server sends', rests: 'table 2.1' },
  'reserved-flags': { says: 'reserved flags are not those of table 2.2', rests: '[MQTT-2.2.2-2]' },
  'qos-3': { says: 'both QoS bits of a PUBLISH set', rests: '[MQTT-3.3.1-4]' },
  'dup-with-qos-0': { says: 'DUP set at QoS 0', rests: '[MQTT-3.3.1-2]' },
  'remaining-length': { says: 'remaining length longer than 4 bytes', rests: 'section 2.2.3' },
  'packet-length': { says: 'a remaining length that this packet type cannot have', rests: 'sections 3.4 to 3.14' },
  'packet-too-large': { says: 'packet over limits.packetBytes', rests: 'limit' },
  'connect-too-large': { says: 'CONNECT over limits.connectBytes', rests: 'limit' },
  'first-not-connect': { says: 'the first packet is not CONNECT', rests: '[MQTT-3.1.0-1]' },
  'second-connect': { says: 'a second CONNECT', rests: '[MQTT-3.1.0-2]' },
  // What every packet has inside.
  'length-overrun': { says: 'a field runs past the end of its packet', rests: 'section 1.5.3' },
  'trailing-bytes': { says: 'bytes after the last field', rests: '[MQTT-4.8.0-1]' },
  'packet-id-0': { says: 'packet identifier 0', rests: '[MQTT-2.3.1-1]' },
  'text-not-utf8': { says: 'text that is not UTF-8, or holds a surrogate', rests: '[MQTT-1.5.3-1]' },
  'text-nul': { says: 'U+0000 in a text', rests: '[MQTT-1.5.3-2]' },
  'topic-empty': { says: 'an empty topic or filter', rests: '[MQTT-4.7.3-1]' },
  'topic-wildcard': { says: 'a wildcard in the topic of a message', rests: '[MQTT-3.3.2-2]' },
  'topic-too-long': { says: 'topic or filter over limits.topicBytes', rests: 'limit' },
  'topic-too-deep': { says: 'topic or filter over limits.topicLevels', rests: 'limit' },
  'filter-syntax': { says: '# or + where it is not allowed', rests: '[MQTT-4.7.1-2] [MQTT-4.7.1-3]' },
  'filters-missing': { says: 'SUBSCRIBE or UNSUBSCRIBE without a filter', rests: '[MQTT-3.8.3-3] [MQTT-3.10.3-2]' },
  'requested-qos': { says: 'requested QoS is not 0, 1 or 2', rests: '[MQTT-3.8.3-4]' },
  'wrong-acknowledgement': {
    says: 'an acknowledgement that is not the one due: PUBREC or PUBCOMP for QoS 1, PUBACK for QoS 2, PUBCOMP before PUBREL',
    rests: '[MQTT-4.3.2-1] [MQTT-4.3.3-1]',
  },
  // CONNECT.
  'protocol-name': { says: 'protocol name is not MQTT', rests: '[MQTT-3.1.2-1]' },
  'protocol-level': { says: 'protocol level is not 4 (MQTT 3.1.1)', rests: '[MQTT-3.1.2-2]', connack: 1 },
  'connect-reserved-flag': { says: 'reserved connect flag set', rests: '[MQTT-3.1.2-3]' },
  'will-flags': { says: 'will QoS or retain without a will', rests: '[MQTT-3.1.2-13] [MQTT-3.1.2-15]' },
  'will-qos-3': { says: 'will QoS 3', rests: '[MQTT-3.1.2-14]' },
  'password-without-user-name': { says: 'a password without a user name', rests: '[MQTT-3.1.2-22]' },
  'client-id-empty': { says: 'no client id, but a session to keep', rests: '[MQTT-3.1.3-8]', connack: 2 },
  'connect-timeout': { says: 'no CONNECT within limits.connectTimeoutMs', rests: 'limit' },
  // Room.
  'pre-auth-full': { says: 'limits.preAuthConnections reached; the longest waiting was closed', rests: 'limit' },
  'address-full': { says: 'limits.connectionsPerAddress reached', rests: 'limit' },
  'clients-full': { says: 'limits.clients reached', rests: 'limit', connack: 3 },
  'user-full': { says: 'limits.clientsPerUser reached', rests: 'limit', connack: 3 },
  'tls-handshake': { says: 'the TLS handshake failed', rests: 'TLS' },
  'websocket-handshake': {
    says: 'a WebSocket handshake for another path, of another origin, or without the subprotocol mqtt',
    rests: '[MQTT-6.0.0-3]',
  },
  'websocket-frame': { says: 'a text frame, one over limits.packetBytes, or what is no frame', rests: '[MQTT-6.0.0-1]' },
  // Who may do what.
  anonymous: { says: 'no user name', rests: '[MQTT-3.1.4-2]', connack: 5 },
  'bad-credentials': { says: 'unknown user or wrong password', rests: '[MQTT-3.1.4-2]', connack: 4 },
  'certificate-invalid': {
    says: 'a client certificate of another authority, that has ended, is not for clients, or names neither a user nor group/node',
    rests: '[MQTT-3.1.4-2]',
    connack: 5,
  },
  'certificate-revoked': { says: 'the client certificate was revoked', rests: '[MQTT-3.1.4-2]', connack: 5 },
  'certificate-ended': { says: 'the client certificate ended while its client was connected', rests: 'policy' },
  'login-throttled': {
    says: 'too many wrong passwords for this user from this address; the password was not looked at',
    rests: '[MQTT-3.1.4-2]',
    connack: 3,
  },
  'client-id-taken': { says: "the client id is another user's", rests: '[MQTT-3.1.4-2]', connack: 2 },
  'will-forbidden': { says: 'the will names a topic that the user may not publish', rests: '[MQTT-3.1.4-2]', connack: 5 },
  'publish-forbidden': { says: 'the user may not publish this topic', rests: '[MQTT-3.3.5-2]' },
  'dollar-topic': { says: 'a message to a topic that begins with $, acknowledged and dropped', rests: '[MQTT-4.7.2-1]' },
  'shared-subscription': {
    says: 'this broker has no shared subscriptions ($share); SUBACK 0x80. Mosquitto has them',
    rests: '[MQTT-3.9.3-2]',
  },
  'subscribe-forbidden': { says: 'the user may not read this filter; SUBACK 0x80', rests: '[MQTT-3.9.3-2]' },
  'subscriptions-full': { says: 'limits.subscriptionsPerClient reached; SUBACK 0x80', rests: 'limit' },
  'credentials-changed': { says: 'the user was removed or changed in the users file', rests: 'policy' },
  // Behaviour.
  'sessions-full': { says: 'limits.sessions reached, and all are owed messages', rests: 'limit' },
  'store-failed': { says: 'a message could not be kept for a session; no PUBACK', rests: '[MQTT-4.3.2-2]' },
  'slow-consumer': { says: 'the client did not take what was sent to it', rests: 'limits.slowConsumerMs' },
  'keepalive-timeout': { says: 'nothing was heard for one and a half keep-alive periods', rests: '[MQTT-3.1.2-24]' },
  'protocol-error': { says: 'any other error of the MQTT engine', rests: '[MQTT-4.8.0-1]' },
} as const satisfies Record<string, RefusalText>

export type Refusal = keyof typeof refusals

/** The CONNACK return code of a refusal, 0 where it has none. */
export function connackOf(reason: Refusal): number {
  const text: RefusalText = refusals[reason]
  return text.connack ?? 0
}
