import rr from '../../../src/modules/rr/index.ts'
import { moduleRig, type RigOptions } from '../usrloc/module-rig.ts'

/** A proxy with the rr module, known by these hosts. */
export function rrRig(hosts: readonly string[] = ['127.0.0.1'], options: RigOptions = {}) {
  const made = moduleRig([rr], {
    sockets: hosts.map(host => (host.includes(':') ? host : `udp:${host}:5060`)),
    ...options,
  })
  const route = (text: string) => {
    const m = made.context(text)
    const verdict = made.call(m, 'loose_route')
    const sent = made.sent(m)
    return { m, verdict, sent, uri: m.target.uri, next: m.target.dstUri, routes: headers(sent, 'Route') }
  }
  return { ...made, route }
}

export function headers(message: string, name: string): string[] {
  return message
    .split('\r\n')
    .filter(line => line.startsWith(`${name}: `))
    .map(line => line.slice(name.length + 2))
}

interface RequestFacts {
  readonly method?: string
  readonly uri: string
  readonly routes?: readonly string[]
  readonly toTag?: string
  readonly fromTag?: string
  readonly headers?: string
}

export function request({
  method = 'BYE',
  uri,
  routes = [],
  toTag = 't1',
  fromTag = 'f1',
  headers: more = '',
}: RequestFacts) {
  return [
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKq',
    'Max-Forwards: 70',
    ...routes.map(route => `Route: ${route}`),
    `From: <sip:callee@u2.domain.com>;tag=${fromTag}`,
    `To: <sip:caller@u1.example.com>${toTag === '' ? '' : `;tag=${toTag}`}`,
    'Call-ID: call-9',
    `CSeq: 2 ${method}`,
    ...(more === '' ? [] : [more]),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}
