/** What tests would like and no package registry gives. A test that needs one of them says so and counts as skipped. */
export const unavailable: { name: string; why: string }[] = [
  { name: 'Grafana', why: 'released as archives and its own package repository only; its Go module lacks the built web page' },
  { name: 'Kibana', why: 'released as archives and container images only' },
  { name: 'OpenSearch Dashboards', why: 'released as archives and container images only' },
  {
    name: 'Telegraf',
    why: "in its maker's own package repository only; a build from its Go module is possible and not done here",
  },
  { name: 'InfluxDB 3', why: 'a Rust program that is not published as a crate; archives and container images only' },
  { name: 'TimescaleDB', why: "in its maker's own package repository only" },
  { name: 'Redpanda', why: "in its maker's own package repository only" },
  { name: 'EMQX', why: "in its maker's own package repository only" },
]
