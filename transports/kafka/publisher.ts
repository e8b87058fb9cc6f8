import kafkajs, { type Producer } from 'kafkajs'
import type { Log } from '../../src/log/log.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { KafkaAddress } from './address.ts'
import { clientConfig, type KafkaSettings } from './properties.ts'

const { Kafka, logLevel, Partitioners } = kafkajs

/** Messages of scripts whose fate is not known; more are refused. */
const MOST_UNDER_WAY = 10_000
/** Between two attempts to connect; each is twice the one before. */
const PAUSE_MS = { first: 100, longest: 5_000 } as const

interface PublisherParts {
  readonly address: KafkaAddress
  readonly settings: KafkaSettings
  /** Options of the TLS domain, if there is one. */
  readonly tls: object | undefined
  readonly log: Log
  readonly clock: Clock
}

/** Writes what scripts give to one topic. It connects with the first message. */
export class Publisher {
  readonly #parts: PublisherParts
  #producer: Promise<Producer> | null = null
  /** Why the last attempt to connect failed, and until when there is no other. */
  #refusal: { readonly error: unknown; readonly pauseMs: number; readonly untilMs: number } | undefined
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
      log
        .often(address.text)
        .error('a message of a script was not written', { socket: address.text, reason: String(error) })
      return false
    }
  }

  async #connected(): Promise<Producer> {
    const { clock } = this.#parts
    const refusal = this.#refusal
    if (this.#producer === null && refusal !== undefined && clock.monotonicMs() < refusal.untilMs) throw refusal.error
    const connecting = (this.#producer ??= this.#connect())
    try {
      const producer = await connecting
      this.#refusal = undefined
      return producer
    } catch (error) {
      if (this.#producer === connecting) this.#pause(error)
      throw error
    }
  }

  /** The first message after the pause tries again; those before it have the same answer. */
  #pause(error: unknown): void {
    this.#producer = null
    const pauseMs = Math.min(PAUSE_MS.longest, (this.#refusal?.pauseMs ?? PAUSE_MS.first / 2) * 2)
    this.#refusal = { error, pauseMs, untilMs: this.#parts.clock.monotonicMs() + pauseMs }
  }

  async #connect(): Promise<Producer> {
    const { address, settings, tls } = this.#parts
    const kafka = new Kafka({ ...clientConfig(address, settings, tls), logLevel: logLevel.NOTHING })
    const producer = kafka.producer({
      idempotent: settings.isIdempotent,
      allowAutoTopicCreation: settings.createsTopics,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    try {
      await producer.connect()
    } catch (error) {
      void producer.disconnect().catch(() => {})
      throw error
    }
    producer.on(producer.events.DISCONNECT, () => {
      this.#producer = null
    })
    return producer
  }
}
