/** What is kept for a channel of a device; made where there is none yet. */
export function byChannel<T>(map: Map<string, Map<string, T>>, device: string, channel: string, make: () => T): T {
  const channels = map.get(device) ?? new Map<string, T>()
  const found = channels.get(channel) ?? make()
  map.set(device, channels)
  channels.set(channel, found)
  return found
}
