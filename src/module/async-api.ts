import type { TransportSpec } from '../events/transport.ts'
import type { EventSpec } from '../util/spec.ts'
import { eventSchema, type JsonSchema } from './schema.ts'

/** An event and the module that raises it. */
export interface DeclaredEvent {
  readonly name: string
  readonly module: string
  readonly spec: EventSpec
}

/** Protocols of AsyncAPI by the scheme of a socket; those that are missing are not known to it. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  rabbitmq: 'amqp',
  kafka: 'kafka',
  nats: 'nats',
  http: 'http',
  https: 'https',
  bullmq: 'redis',
  xmlrpc: 'http',
}

/** What travels beside the payload on transports that have a place for it. */
const HEADERS: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid', description: 'Identity of the event: the same on every retry.' },
    type: { type: 'string', description: 'Name of the event.' },
    sequence: { type: 'integer', description: 'Number of the event within its run.' },
    node: { type: 'string', description: 'Name of the node that raised it.' },
    boot: { type: 'string', description: 'The run of that node, 8 hexadecimal digits.' },
  },
}

/** The AsyncAPI 3.0 document of every event: a channel each, whose address a subscription decides. */
export function asyncApi(
  events: readonly DeclaredEvent[],
  transports: readonly TransportSpec[],
  version: string,
): JsonSchema {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Fanfare events',
      version,
      description:
        'Every event of the loaded modules, as the default payload carries it. Where it goes is said by a subscription: `subscribe_event(event, socket)`.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: Object.fromEntries(transports.flatMap(serverOf)),
    channels: Object.fromEntries(events.map(({ name, spec }) => [name, channel(name, spec)])),
    operations: Object.fromEntries(
      events.map(({ name }) => [
        `send${name}`,
        { action: 'send', channel: { $ref: `#/channels/${name}` }, summary: `Sends ${name} to its subscribers.` },
      ]),
    ),
    components: {
      messages: Object.fromEntries(events.map(event => [event.name, message(event)])),
      schemas: { headers: HEADERS },
    },
  }
}

/** One server a scheme, named after its first example. */
function serverOf({ module, doc, grammar, examples }: TransportSpec): [string, JsonSchema][] {
  const schemes = new Map<string, string>()
  for (const example of examples) {
    const scheme = example.slice(0, example.indexOf(':'))
    if (PROTOCOLS[scheme] !== undefined && !schemes.has(scheme)) schemes.set(scheme, example)
  }
  return [...schemes].map(([scheme, example]) => [
    scheme,
    {
      host: hostOf(example),
      protocol: PROTOCOLS[scheme],
      description: doc,
      'x-module': module,
      'x-socket': grammar,
      'x-example': example,
    },
  ])
}

/** Host and port of a socket text, without its login. */
function hostOf(socket: string): string {
  const rest = socket.slice(socket.indexOf(':') + 1).replace(/^\/\//, '')
  const authority = rest.split('/')[0] ?? ''
  return authority.slice(authority.lastIndexOf('@') + 1)
}

const channel = (name: string, { doc }: EventSpec): JsonSchema => ({
  address: null,
  description: doc,
  messages: { [name]: { $ref: `#/components/messages/${name}` } },
})

function message({ name, module, spec }: DeclaredEvent): JsonSchema {
  const { $schema, $id, ...payload } = eventSchema(name, module, spec)
  return {
    name,
    title: name,
    summary: spec.doc,
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/headers' },
    payload,
    tags: [{ name: module }],
  }
}
