/** The nodes of the cluster: which of them leads which partition, and what is asked of any node, or of each leader for its own partitions. */
import { type Connection, metadataV12 } from '@platformatic/kafka'
import { type At, KafkaFailure, keyOf, type TopicInfo } from '../client.ts'
import { type Address, Connections, type ConnectionsOptions } from './connections.ts'
import { answered, failureOf } from './errors.ts'

export interface ClusterOptions extends ConnectionsOptions {
  bootstrap: Address[]
}

type Call<T> = (connection: Connection) => Promise<T>

export class Cluster {
  readonly #connections: Connections
  readonly #bootstrap: Address[]
  #nodes = new Map<number, Address>()
  #controller = -1
  /** Node by partition. */
  readonly #leaders = new Map<string, number>()
  readonly #topicIds = new Map<string, string>()
  readonly #topicNames = new Map<string, string>()

  constructor(options: ClusterOptions) {
    this.#connections = new Connections(options)
    this.#bootstrap = options.bootstrap
  }

  // ---- what is known

  leader(at: At): number | undefined {
    return this.#leaders.get(keyOf(at))
  }

  topicId(name: string): string | undefined {
    return this.#topicIds.get(name)
  }

  topicName(id: string): string | undefined {
    return this.#topicNames.get(id)
  }

  /** Asks again. A topic that does not exist is missing. */
  async topics(names: string[]): Promise<Map<string, TopicInfo>> {
    const found = await this.atAny((connection) => answered(metadataV12.api.async(connection, names, false)))
    this.#nodes = new Map(found.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    this.#controller = found.controllerId
    const infos = new Map<string, TopicInfo>()
    let failure: KafkaFailure | undefined
    for (const { name, errorCode, topicId, partitions } of found.topics) {
      if (errorCode === 0 && name) {
        infos.set(name, { id: topicId, partitions: partitions.length })
        this.#remember(name, topicId, partitions)
      } else if (failureOf(errorCode).name !== 'UNKNOWN_TOPIC_OR_PARTITION') failure ??= failureOf(errorCode, `topic ${name}`)
    }
    if (failure) throw failure
    return infos
  }

  #remember(name: string, id: string, partitions: { partitionIndex: number; leaderId: number }[]): void {
    this.#topicIds.set(name, id)
    this.#topicNames.set(id, name)
    for (const { partitionIndex, leaderId } of partitions) {
      const key = keyOf({ topic: name, partition: partitionIndex })
      if (leaderId >= 0) this.#leaders.set(key, leaderId)
      else this.#leaders.delete(key)
    }
  }

  // ---- asking

  async atAny<T>(call: Call<T>): Promise<T> {
    let failure: unknown
    for (const address of [...this.#nodes.values(), ...this.#bootstrap]) {
      try {
        return await this.#connections.use(address, 'admin', call)
      } catch (error) {
        failure = error
        if (!(error instanceof KafkaFailure) || error.name !== 'NO_ANSWER') throw error
      }
    }
    throw failure
  }

  atController<T>(call: Call<T>): Promise<T> {
    return this.#nodes.has(this.#controller) ? this.atNode(this.#controller, 'admin', call) : this.atAny(call)
  }

  /** Undefined: the leader is not known. */
  atNode<T>(node: number | undefined, purpose: string, call: Call<T>): Promise<T> {
    const address = node === undefined ? undefined : this.#nodes.get(node)
    if (!address) return Promise.reject(new KafkaFailure('LEADER_NOT_AVAILABLE', true))
    return this.#connections.use(address, purpose, call)
  }

  /** Asks each leader about its own partitions. @returns the answers in the order of `partitions` */
  async atLeaders<A extends At>(
    partitions: A[],
    call: (connection: Connection, group: A[]) => Promise<[At, number][]>,
  ): Promise<number[]> {
    const answers = await Promise.all(
      [...Map.groupBy(partitions, (at) => this.leader(at))].map(([node, group]) =>
        this.atNode(node, 'admin', (connection) => call(connection, group)),
      ),
    )
    const found = new Map(answers.flat().map(([at, answer]) => [keyOf(at), answer]))
    return partitions.map((at) => found.get(keyOf(at))!)
  }

  close(): void {
    this.#connections.close()
  }
}
