import kafkajs, { type CompressionTypes as Compression, type KafkaConfig, type SASLOptions } from 'kafkajs'
import type { KafkaAddress } from './address.ts'
import { guardedSockets } from './guarded-socket.ts'

const { CompressionTypes } = kafkajs

/** What the properties of a socket mean for the client. */
export interface KafkaSettings {
  readonly clientId: string
  /** -1: all replicas in sync, 1: the leader, 0: nobody is asked. */
  readonly acks: -1 | 0 | 1
  readonly isIdempotent: boolean
  readonly compression: Compression
  readonly requestTimeoutMs: number
  readonly connectionTimeoutMs: number
  readonly createsTopics: boolean
  readonly isTls: boolean
  readonly sasl: SASLOptions | undefined
}

/** Properties that have no meaning here, and why, for the log. */
export type IgnoredProperty = readonly [name: string, why: string]

const COMPRESSIONS: Readonly<Record<string, Compression>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
}
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

/**
 * Reads librdkafka's names of properties, which users of OpenSIPS write. Those that have no counterpart, or a value that is
 * none, are ignored, as the reference does; `ignored` names them.
 */
export function settingsOf(
  { properties, tlsDomain }: Pick<KafkaAddress, 'properties' | 'tlsDomain'>,
  connectTimeoutMs: number,
): { settings: KafkaSettings; ignored: readonly IgnoredProperty[] } {
  const reader = new PropertyReader(properties)
  const acks = reader.choice(['acks', 'request.required.acks'], { all: -1, '-1': -1, '1': 1, '0': 0 } as const) ?? -1
  const idempotence = reader.flag(['enable.idempotence', 'idempotence'])
  const protocol = reader.choice(['security.protocol'], PROTOCOLS)
  const settings: KafkaSettings = {
    clientId: reader.text(['client.id']) ?? 'fanfare',
    acks: idempotence === true ? -1 : acks,
    isIdempotent: idempotence ?? acks === -1,
    compression: reader.choice(['compression.type', 'compression.codec'], COMPRESSIONS) ?? CompressionTypes.None,
    requestTimeoutMs: reader.number(['request.timeout.ms', 'socket.timeout.ms', 'message.timeout.ms']) ?? 30_000,
    connectionTimeoutMs: reader.number(['socket.connection.setup.timeout.ms']) ?? connectTimeoutMs,
    createsTopics: reader.flag(['allow.auto.create.topics']) ?? true,
    isTls: protocol?.isTls === true || tlsDomain !== undefined,
    sasl: saslOf(reader, protocol?.isSasl),
  }
  return { settings, ignored: reader.ignored() }
}

const PROTOCOLS = {
  plaintext: { isTls: false, isSasl: false },
  ssl: { isTls: true, isSasl: false },
  sasl_plaintext: { isTls: false, isSasl: true },
  sasl_ssl: { isTls: true, isSasl: true },
} as const

/** `isAsked`: whether the protocol that is named has SASL; undefined where none is named. */
function saslOf(reader: PropertyReader, isAsked: boolean | undefined): SASLOptions | undefined {
  const username = reader.text(['sasl.username'])
  const password = reader.text(['sasl.password']) ?? ''
  const named = reader.text(['sasl.mechanism', 'sasl.mechanisms'])?.toLowerCase() ?? 'plain'
  if (username === undefined) {
    if (isAsked === true) reader.ignore('security.protocol', 'it asks for SASL, and sasl.username is missing')
    return undefined
  }
  if (isAsked === false) {
    reader.ignore('sasl.username', 'security.protocol is one without SASL')
    return undefined
  }
  const mechanism = MECHANISMS.find(known => known === named)
  if (mechanism === undefined) {
    reader.ignore('sasl.mechanism', `"${named}" is not offered; PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are`)
    return undefined
  }
  return { mechanism, username, password } as SASLOptions
}

/** Options of the client that follow from the settings. `ssl` are the options of the TLS domain, if there is one. */
export function clientConfig(
  { brokers }: Pick<KafkaAddress, 'brokers'>,
  settings: KafkaSettings,
  ssl: object | undefined,
): KafkaConfig {
  return {
    clientId: settings.clientId,
    brokers: brokers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`),
    socketFactory: guardedSockets,
    connectionTimeout: settings.connectionTimeoutMs,
    authenticationTimeout: settings.connectionTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    // Reconnecting is done here; the client only rides out the election of a new leader.
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1000 },
    ...(settings.isTls ? { ssl: ssl ?? true } : {}),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
  }
}

/** Takes properties by any of their names and remembers which nobody took. */
class PropertyReader {
  readonly #values: ReadonlyMap<string, string>
  readonly #taken = new Set<string>()
  readonly #ignored: IgnoredProperty[] = []

  constructor(properties: KafkaAddress['properties']) {
    this.#values = new Map(properties)
  }

  text(names: readonly string[]): string | undefined {
    let found: string | undefined
    for (const name of names) {
      const value = this.#values.get(name)
      if (value === undefined) continue
      this.#taken.add(name)
      found ??= value
    }
    return found
  }

  choice<T>(names: readonly string[], values: Readonly<Record<string, T>>): T | undefined {
    const text = this.text(names)?.toLowerCase()
    if (text === undefined) return undefined
    if (Object.hasOwn(values, text)) return values[text]
    this.ignore(names[0] ?? '', `"${text}" is none of ${Object.keys(values).join(', ')}`)
    return undefined
  }

  flag(names: readonly string[]): boolean | undefined {
    return this.choice(names, { true: true, false: false, '1': true, '0': false })
  }

  number(names: readonly string[]): number | undefined {
    const text = this.text(names)
    if (text === undefined) return undefined
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
    this.ignore(names[0] ?? '', `"${text}" is no positive number`)
    return undefined
  }

  ignore(name: string, why: string): void {
    this.#ignored.push([name, why])
  }

  ignored(): readonly IgnoredProperty[] {
    const unknown = [...this.#values.keys()].filter(name => !this.#taken.has(name))
    return [...this.#ignored, ...unknown.map(name => [name, 'it has no counterpart here'] as const)]
  }
}
