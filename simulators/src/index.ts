/** A fleet of simulated instruments on real ports, and the truth about what it sent. */
export { type AgentDevice, agentDevices } from './bays.ts'
export type { DeviceOrder } from './device.ts'
export { type Fleet, type FleetDevice, type FleetOptions, startFleet } from './fleet.ts'
export { type Link, openLink } from './link.ts'
export * from './manifest/manifest.ts'
export { type Manifest, readManifest, readManifestLines } from './manifest/reader.ts'
export { linkCuts, loadScenario, parseScenario, type Scenario, type StoryEvent, scenarioPath } from './scenario.ts'
