import { createSocket, type Socket } from 'node:dgram'
import { onTestFinished } from 'vitest'

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const
type TypeName = keyof typeof TYPES
const NAME_ERROR = 3

/** A name server on a loopback port, for tests: it answers A, AAAA, SRV and NAPTR questions from its zone. */
export class DnsServer {
  /** Every question, as `SRV _sip._udp.example.com`. */
  readonly questions: string[] = []
  readonly #socket: Socket
  readonly #zone = new Map<string, Buffer[]>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (bytes, from) => socket.send(this.#answer(bytes), from.port, from.address))
  }

  static async open(): Promise<DnsServer> {
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => void socket.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    return new DnsServer(socket)
  }

  /** As resolvers want it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  a(name: string, ...addresses: string[]): this {
    for (const address of addresses) this.#add('A', name, Buffer.from(address.split('.').map(Number)))
    return this
  }

  /** Addresses with all their eight groups. */
  aaaa(name: string, ...addresses: string[]): this {
    for (const address of addresses) {
      const groups = address.split(':').map(group => Number.parseInt(group, 16))
      this.#add('AAAA', name, Buffer.from(groups.flatMap(group => [group >> 8, group & 255])))
    }
    return this
  }

  srv(name: string, priority: number, weight: number, port: number, target: string): this {
    this.#add('SRV', name, Buffer.concat([words(priority, weight, port), domain(target)]))
    return this
  }

  naptr(name: string, order: number, preference: number, service: string, replacement: string): this {
    const texts = ['s', service, ''].map(text => Buffer.from([text.length, ...Buffer.from(text)]))
    this.#add('NAPTR', name, Buffer.concat([words(order, preference), ...texts, domain(replacement)]))
    return this
  }

  #add(type: TypeName, name: string, data: Buffer): void {
    const key = `${type} ${name}`
    this.#zone.set(key, [...(this.#zone.get(key) ?? []), data])
  }

  #answer(query: Buffer): Buffer {
    let at = 12
    const labels: string[] = []
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const number = query.readUInt16BE(at + 1)
    const type = Object.entries(TYPES).find(([, value]) => value === number)?.[0] ?? `TYPE${number}`
    const key = `${type} ${labels.join('.').toLowerCase()}`
    this.questions.push(key)
    const records = this.#zone.get(key) ?? []
    const rcode = records.length > 0 ? 0 : NAME_ERROR
    const header = Buffer.concat([query.subarray(0, 2), words(0x8580 | rcode, 1, records.length, 0, 0)])
    // The name is that of the question, at offset 12; a minute to live.
    const answers = records.flatMap(data => [words(0xc00c, number, 1, 0, 60, data.length), data])
    return Buffer.concat([header, query.subarray(12, at + 5), ...answers])
  }
}

function words(...values: number[]): Buffer {
  return Buffer.from(values.flatMap(value => [value >> 8, value & 255]))
}

function domain(name: string): Buffer {
  const labels = name === '.' ? [] : name.split('.')
  return Buffer.from([...labels.flatMap(label => [label.length, ...Buffer.from(label)]), 0])
}
