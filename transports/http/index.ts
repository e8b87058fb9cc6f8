import type { KeyObject } from 'node:crypto'
import { tlsOptionsOf } from '../../src/events/socket-text.ts'
import { AddressError, defineTransport, messageFormatOf, type Transport } from '../../src/events/transport.ts'
import { optionalParam, param, repeatedParam } from '../../src/util/spec.ts'
import { type HttpAddress, parseHttpAddress } from './address.ts'
import { HttpLink } from './link.ts'
import { isSecret, signingKey } from './signature.ts'

/** Requests at a time where order is kept only between events of one key. */
const KEYED_CONNECTIONS = 16

/** `http:`, `https:` — events posted to a URL, signed. */
export default defineTransport(
  {
    module: 'event_http',
    doc: 'Posts events to a URL, signed after Standard Webhooks; delivered when the receiver answers 2xx.',
    grammar:
      '( "http" / "https" ) "://" [ user ":" password "@" ] host [ ":" port ] [ path ] [ "?" query ] [ "#" option *( "&" option ) ]; option = "secret=" secret *( "," secret ) / "batch=" number / "connections=" number / "tls_domain=" name',
    examples: [
      'http://127.0.0.1:8080/hook',
      'https://hooks.example/cdr?tenant=7#secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'https://hooks.example/cdr#secret=new,old&batch=100&tls_domain=partner',
    ],
    promises: { ordered: true, delivered: 'confirmed', noticesAbsence: true },
    params: {
      connect_timeout: param('int', 2000, 'Longest wait for a connection.', { unit: 'ms' }),
      connections: param(
        'int',
        0,
        'Requests at a time to one URL. 0 is one, so that events stay in order, or sixteen where the subscription has a `key`.',
      ),
      batch: param('int', 0, 'Most events in a request, as a JSON array. 0 posts each by itself.'),
      secret: repeatedParam('str', 'A signing secret and the name sockets call it by: `name whsec_…`.'),
      format: optionalParam(
        'str',
        'Payload where a subscription asks for none: `jsonrpc`, `json`, `cloudevents` or `text`.',
      ),
    },
  },
  ({ params, clock, tlsDomain }) => {
    const preferred = messageFormatOf('event_http', params.format)
    const named = new Map(params.secret.map(readSecret))
    const transport = (scheme: 'http' | 'https'): Transport<HttpAddress> => ({
      scheme,
      parse: rest => parseHttpAddress(scheme, rest),
      open(address, host) {
        const tls = tlsOptionsOf(address, tlsDomain)
        const codec = host.codec('message', preferred)
        const batch = address.batch ?? params.batch
        if (batch > 0 && codec.contentType.startsWith('text/'))
          throw new AddressError('batch= is for the JSON formats', address.text, 0)
        const asked = address.connections ?? params.connections
        return host.buffered(
          new HttpLink(address, {
            clock,
            codec,
            connectTimeoutMs: Math.max(1, params.connect_timeout),
            connections: asked > 0 ? asked : host.key === undefined ? 1 : KEYED_CONNECTIONS,
            batch: Math.max(1, batch),
            isBatched: batch > 0,
            keys: address.secrets.map(secret => keyOf(secret, named, address)),
            tls,
          }),
        )
      },
    })
    return { transports: [transport('http'), transport('https')] }
  },
)

function readSecret(text: string): readonly [string, KeyObject] {
  const [name = '', secret = '', ...more] = text.trim().split(/\s+/)
  if (!/^[\w.-]+$/.test(name) || !isSecret(secret) || more.length > 0)
    throw new Error('event_http: secret must be a name and a secret, "name whsec_BASE64"')
  return [name, signingKey(secret)]
}

function keyOf(secret: string, named: ReadonlyMap<string, KeyObject>, { text }: HttpAddress): KeyObject {
  const key = isSecret(secret) ? signingKey(secret) : named.get(secret)
  if (key === undefined) throw new AddressError(`no secret "${secret}" is defined`, text, 0)
  return key
}
