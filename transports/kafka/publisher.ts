import kafkajs, { type Producer } from 'kafkajs'
import type { Log } from '../../src/log/log.ts'
import type { KafkaAddress } from './address.ts'
import { clientConfig, type KafkaSettings } from './properties.ts'

const { Kafka, logLevel, Partitioners } = kafkajs

/** Messages of scripts whose fate is not known; more are refused. */
const MOST_UNDER_WAY = 10_000

interface PublisherParts {
  readonly address: KafkaAddress
  readonly settings: KafkaSettings
  /** Options of the TLS domain, if there is one. */
  readonly tls: object | undefined
  readonly log: Log
}

/** Writes what scripts give to one topic. It connects with the first message. */
export class Publisher {
  readonly #parts: PublisherParts
  #producer: Promise<Producer> | null = null
  #underWay = 0

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /** Queues a record; `done` is told whether the brokers have it. False where too many wait. */
  publish(message: string, key: string | undefined, done: (isWritten: boolean) => void): boolean {
    if (this.#underWay >= MOST_UNDER_WAY) return false
    this.#underWay++
    void this.#write(message, key).then(isWritten => {
      this.#underWay--
      done(isWritten)
    })
    return true
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => null)
    await producer?.disconnect().catch(() => {})
  }

  async #write(value: string, key: string | undefined): Promise<boolean> {
    const { address, settings, log } = this.#parts
    const { acks, compression, requestTimeoutMs: timeout } = settings
    try {
      const producer = await this.#connected()
      await producer.send({ topic: address.topic, messages: [{ key: key ?? null, value }], acks, compression, timeout })
      return true
    } catch (error) {
      log.error('a message of a script was not written', { socket: address.text, reason: String(error) })
      return false
    }
  }

  async #connected(): Promise<Producer> {
    const connecting = (this.#producer ??= this.#connect())
    try {
      return await connecting
    } catch (error) {
      // The next message tries again.
      if (this.#producer === connecting) this.#producer = null
      throw error
    }
  }

  async #connect(): Promise<Producer> {
    const { address, settings, tls } = this.#parts
    const kafka = new Kafka({ ...clientConfig(address, settings, tls), logLevel: logLevel.NOTHING })
    const producer = kafka.producer({
      idempotent: settings.isIdempotent,
      allowAutoTopicCreation: settings.createsTopics,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    producer.on(producer.events.DISCONNECT, () => {
      this.#producer = null
    })
    await producer.connect()
    return producer
  }
}
