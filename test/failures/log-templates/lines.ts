/**
 * Log lines of a gateway and the devices behind it, each with the template that it was made from: the truth for
 * test/failures/log-templates.ts. A template is as frequent as 1/rank.
 */
import type { Random } from '../../simulation/random.ts'

type Maker = (random: Random) => string

const pick =
  (...words: string[]): Maker =>
  (random) =>
    words[random.below(words.length)]!
const number =
  (limit: number): Maker =>
  (random) =>
    `${random.below(limit)}`
const hex =
  (digits: number): Maker =>
  (random) =>
    Array.from({ length: digits }, () => '0123456789abcdef'[random.below(16)]).join('')
const ip: Maker = (random) => `10.${random.below(4)}.${random.below(256)}.${random.below(256)}`
const mac: Maker = (random) => Array.from({ length: 6 }, () => hex(2)(random)).join(':')
const port = pick('/dev/ttyUSB0', '/dev/ttyUSB1', '/dev/ttyACM0', '/dev/serial/by-id/usb-FTDI_FT232R-if00')
const user = pick('root', 'admin', 'operator', 'pi', 'guest')
const device = pick('bed-1', 'bed-2', 'pump-7', 'meter-a', 'gps')
const seconds: Maker = (random) => (random.next() * 100).toFixed(random.below(4))
const uuid: Maker = (random) => [8, 4, 4, 4, 12].map((digits) => hex(digits)(random)).join('-')
const unit = pick('ssh.service', 'cron.service', 'millrace-agent.service', 'chrony.service', 'getty@tty1.service')
const reason = pick('timeout', 'refused', 'unreachable')

const made = (parts: TemplateStringsArray, ...makers: Maker[]): Maker => {
  return (random) => parts.map((part, k) => part + (makers[k]?.(random) ?? '')).join('')
}

const templates: Maker[] = [
  made`outbox committed ${number(900)} readings in ${seconds} ms`,
  made`receipt for stream ${hex(16)} up to ${number(99999)}`,
  made`port ${port} opened at ${pick('9600', '19200', '115200')} baud`,
  made`port ${port} closed: ${reason}`,
  made`${device} silent for ${number(60)} s, reopening ${port}`,
  made`bad frame from ${device}: checksum ${hex(4)} instead of ${hex(4)}`,
  made`connected to ${ip}:${number(65535)} as ${device}`,
  made`connection to ${ip}:${number(65535)} lost: ${reason}`,
  made`retry ${number(20)} of 20 in ${seconds} s`,
  made`clock offset ${seconds} ms, uncertainty ${seconds} ms`,
  made`clock stepped by ${seconds} s`,
  made`Accepted publickey for ${user} from ${ip} port ${number(65535)} ssh2`,
  made`Failed password for ${user} from ${ip} port ${number(65535)} ssh2`,
  made`Failed password for invalid user ${user} from ${ip} port ${number(65535)} ssh2`,
  made`Connection closed by ${ip} port ${number(65535)} [preauth]`,
  made`session opened for user ${user} by (uid=${number(2000)})`,
  made`session closed for user ${user}`,
  made`DHCPREQUEST on eth0 to ${ip} port 67`,
  made`DHCPACK from ${ip} (xid=0x${hex(8)})`,
  made`bound to ${ip} -- renewal in ${number(9000)} seconds.`,
  made`wlan0: associated with ${mac}`,
  made`wlan0: deauthenticated from ${mac} (Reason: ${number(30)})`,
  made`usb 1-1.${number(5)}: new full-speed USB device number ${number(99)} using dwc_otg`,
  made`usb 1-1.${number(5)}: USB disconnect, device number ${number(99)}`,
  made`EXT4-fs (mmcblk0p${number(4)}): mounted filesystem ${uuid} with ordered data mode`,
  made`mmc0: timeout waiting for hardware interrupt`,
  made`Out of memory: Killed process ${number(32768)} (${pick('node', 'python3', 'chromium')})`,
  made`Started ${unit}`,
  made`Stopped ${unit}`,
  made`${unit}: Main process exited, code=exited, status=${number(4)}/FAILURE`,
  made`${unit}: Scheduled restart job, restart counter is at ${number(40)}`,
  made`CPU temperature ${seconds} C above ${number(90)} C`,
  made`Under-voltage detected! (0x000${hex(5)})`,
  made`Voltage normalised (0x000${hex(5)})`,
  made`configuration ${hex(12)} applied`,
  made`configuration ${hex(12)} refused: ${pick('schema', 'signature', 'version')}`,
  made`rule ${pick('low-spo2', 'hot', 'asystole')} raised for ${device}`,
  made`rule ${pick('low-spo2', 'hot', 'asystole')} cleared for ${device} after ${seconds} s`,
  made`certificate of ${device} expires in ${number(90)} days`,
  made`${number(500)} batches evicted, ${number(90000)} readings`,
  made`${device}: probe off`,
  made`${device}: battery at ${number(100)} %`,
  made`request GET /api/${pick('fleet', 'alarms', 'ledger')} took ${seconds} ms`,
  made`request POST /api/alarms/${pick('shelve', 'comment')} answered ${pick('200', '403', '429')}`,
  made`subscribed to ${number(20)} filters, session present ${pick('true', 'false')}`,
  made`watchdog fed`,
  made`disk ${pick('/', '/var', '/boot')} is ${number(100)} % full`,
  made`rotated log file after ${number(9000)} lines`,
]

export interface Line {
  text: string
  /** Of its template. */
  truth: number
}

export function makeLines(count: number, random: Random): Line[] {
  const weights = templates.map((_, k) => 1 / (k + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return Array.from({ length: count }, () => {
    let left = random.next() * total
    let truth = 0
    while (truth < templates.length - 1 && left >= weights[truth]!) left -= weights[truth++]!
    return { text: templates[truth]!(random), truth }
  })
}
