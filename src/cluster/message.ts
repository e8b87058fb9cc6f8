/** What nodes say to each other, as JSON within frames. Everything read here came from outside. */

/** What a node tells all others of itself. The newest counts: by its start, then by `version`. */
export interface Advert {
  readonly node: number
  /** When it was started, milliseconds since 1970. */
  readonly started: number
  /** Grows with every change. */
  readonly version: number
  readonly url: string
  /** Address or name of its SIP side; '' when it has said none. */
  readonly sipAddress: string
  readonly description: string
  /** Which of several ways of the same length is taken: the lowest. */
  readonly priority: number
  /** Pings that may fail in a row. */
  readonly retries: number
  /** The nodes it can reach without another between. */
  readonly neighbours: readonly number[]
}

export interface Ping {
  readonly type: 'ping' | 'pong'
  readonly number: number
}
export interface States {
  readonly type: 'states'
  readonly adverts: readonly Advert[]
}
/** A node has been removed; it is out until it is started anew, later than `started`. */
export interface Removal {
  readonly type: 'removal'
  readonly node: number
  readonly started: number
}
/** A message of one part of a node to the same part of another, perhaps by way of others. */
export interface Parcel {
  readonly type: 'parcel'
  readonly source: number
  readonly destination: number
  /** How many nodes it has passed. */
  readonly hops: number
  /** Which part of the node it is for. */
  readonly topic: string
  readonly body: unknown
}
export type Message = Ping | States | Removal | Parcel

/** Nodes of one cluster, and adverts in one message. */
export const MAX_NODES = 1000
/** Characters of a URL, an address or a description. */
const MAX_TEXT = 256

/** Reads a message; null when it is none that is known. Never throws. */
export function parseMessage(bytes: Buffer): Message | null {
  const value = parseRecord(bytes)
  if (value === null) return null
  switch (value['type']) {
    case 'ping':
    case 'pong':
      return isCount(value['number']) ? { type: value['type'], number: value['number'] } : null
    case 'states':
      return parseStates(value)
    case 'removal': {
      const { node, started } = value
      return isId(node) && isCount(started) ? { type: 'removal', node, started } : null
    }
    case 'parcel':
      return parseParcel(value)
    default:
      return null
  }
}

/** Writes a message. */
export const encodeMessage = (message: Message): Buffer => Buffer.from(JSON.stringify(message))

/** Whether a value is the number of a node or cluster. */
export const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 999_999_999

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TEXT

/** A value that is an object with members, and no array. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseRecord(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

function parseStates({ adverts }: Readonly<Record<string, unknown>>): States | null {
  if (!Array.isArray(adverts) || adverts.length > MAX_NODES) return null
  const parsed = adverts.map(parseAdvert).filter(advert => advert !== null)
  return parsed.length === adverts.length ? { type: 'states', adverts: parsed } : null
}

function parseAdvert(value: unknown): Advert | null {
  if (!isRecord(value)) return null
  const { node, started, version, url, sipAddress, description, priority, retries, neighbours } = value
  if (!isId(node) || !isCount(version) || !isText(url) || !isText(sipAddress) || !isText(description)) return null
  if (!isCount(started) || !isCount(priority) || !isCount(retries)) return null
  if (!Array.isArray(neighbours) || neighbours.length > MAX_NODES || !neighbours.every(isId)) return null
  return { node, started, version, url, sipAddress, description, priority, retries, neighbours }
}

function parseParcel(value: Readonly<Record<string, unknown>>): Parcel | null {
  const { source, destination, hops, topic, body } = value
  if (!isId(source) || !isId(destination) || !isCount(hops) || !isText(topic) || body === undefined) return null
  return { type: 'parcel', source, destination, hops, topic, body }
}
