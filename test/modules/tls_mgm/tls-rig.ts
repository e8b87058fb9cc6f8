import { onTestFinished } from 'vitest'
import type { DnsClient } from '../../../src/sip/net/dns-client.ts'
import type { Clock } from '../../../src/util/clock.ts'
import type { Issued } from '../../support/certificates.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'

/** A proxy with a UDP and a TLS socket, and what goes between its modules and its route. */
export interface TlsProxy extends ProxyUnderTest {
  readonly udp: number
  readonly tls: number
  logged(text: string): number
}

interface TlsProxyOptions {
  /** Lines behind the modules: modparams, and what else is global. */
  readonly params: string
  /** The main route and others. */
  readonly routes: string
  readonly modules?: readonly string[]
  readonly clock?: Clock
  readonly dns?: DnsClient
  readonly host?: string
}

/** The modparams of a domain: its definition, certificate and key. */
export function domainParams(role: 'server' | 'client', name: string, issued: Issued | null, more = ''): string {
  const files =
    issued === null
      ? ''
      : `modparam("tls_mgm", "certificate", "[${name}]${issued.certFile}")\n` +
        `modparam("tls_mgm", "private_key", "[${name}]${issued.keyFile}")\n`
  const rest = more
    .split(' ')
    .filter(part => part !== '')
    .map(part => part.split('='))
    .map(([key, value]) => `modparam("tls_mgm", "${key}", "[${name}]${value}")\n`)
  return `modparam("tls_mgm", "${role}_domain", "${name}")\n${files}${rest.join('')}`
}

/** Starts a proxy with UDP and TLS on free ports; stopped at the end of the test. */
export async function startTlsProxy(options: TlsProxyOptions): Promise<TlsProxy> {
  const { params, routes, modules = [], host = '127.0.0.1' } = options
  const [udp, tls] = [await freePort(), await freePort()]
  const loads = ['tm', 'sl', 'rr', 'sipmsgops', 'signaling', 'tls_mgm', 'proto_tls', ...modules]
  const sockets = `socket=udp:${host}:${udp}\nsocket=tls:${host}:${tls}\ntcp_connect_timeout=20000\n`
  const script = `${sockets}${loads.map(name => `loadmodule "${name}.so"\n`).join('')}${params}\n${routes}`
  const started = await startProxy(script.replaceAll('@UDP@', String(udp)).replaceAll('@TLS@', String(tls)), {
    ownSockets: true,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.dns === undefined ? {} : { dns: options.dns }),
  })
  onTestFinished(async () => {
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  })
  return { ...started, udp, tls, logged: text => started.log.filter(line => line.includes(text)).length }
}
