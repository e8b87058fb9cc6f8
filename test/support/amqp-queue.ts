import { type Channel, type ChannelModel, type ConsumeMessage, connect, type Options } from 'amqplib'

/** A queue of a test on a real broker, and everything that has arrived in it. */
export class AmqpQueue {
  readonly name: string
  readonly messages: ConsumeMessage[] = []
  readonly #connection: ChannelModel
  readonly #channel: Channel
  readonly #waiting: { count: number; resolve: () => void }[] = []

  private constructor(connection: ChannelModel, channel: Channel, name: string) {
    this.#connection = connection
    this.#channel = channel
    this.name = name
  }

  /** Declares a queue of its own and consumes it. `binding`: exchange and key to bind it to. */
  static async open(
    url: string,
    options: Options.AssertQueue & { name?: string; binding?: readonly [exchange: string, key: string] } = {},
  ): Promise<AmqpQueue> {
    const { name, binding, ...queueOptions } = options
    const connection = await connect(url)
    connection.on('error', () => {})
    const channel = await connection.createChannel()
    channel.on('error', () => {})
    const { queue } = await channel.assertQueue(name ?? '', { exclusive: name === undefined, ...queueOptions })
    if (binding !== undefined) await channel.bindQueue(queue, ...binding)
    const opened = new AmqpQueue(connection, channel, queue)
    await channel.consume(queue, message => opened.#take(message), { noAck: true })
    return opened
  }

  /** Resolves once at least `count` messages have arrived. */
  arrived(count: number): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push({ count, resolve })
      this.#tell()
    })
  }

  async close(): Promise<void> {
    // The client's promises stay open for ever when the connection is lost while it closes.
    const ended = new Promise<void>(resolve => this.#connection.once('close', () => resolve()))
    const closed = this.#channel
      .close()
      .then(() => this.#connection.close())
      .catch(() => {})
    await Promise.race([closed, ended])
  }

  #take(message: ConsumeMessage | null): void {
    if (message !== null) this.messages.push(message)
    this.#tell()
  }

  #tell(): void {
    for (const { count, resolve } of this.#waiting) if (this.messages.length >= count) resolve()
  }
}
