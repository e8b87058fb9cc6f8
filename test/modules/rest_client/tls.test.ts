import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TestAuthority } from '../../support/certificates.ts'
import { scriptProxy } from '../../support/script-proxy.ts'
import { webServer } from '../../support/web-server.ts'
import { domainParams } from '../tls_mgm/tls-rig.ts'

const ROUTE = 'rest_get("@ORIGIN@/", $var(b)); sl_send_reply(299, "$rc $var(b)");'

const asking = (origin: string, params: string, route = ROUTE) =>
  scriptProxy({ top: `loadmodule "rest_client.so"\n${params}`, route, names: { ORIGIN: origin } })

describe('a server over TLS', () => {
  it('is verified, by ssl_capath too, unless ssl_verifypeer is off', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('here', 'IP:127.0.0.1')
    const { origin } = await webServer(({ response }) => void response.end('yes'), { cert, key })
    const capath = `modparam("rest_client", "ssl_capath", "${authority.folder}")`
    expect(await (await asking(origin, '')).ask()).toMatch(/^-10 /)
    expect(await (await asking(origin, 'modparam("rest_client", "ssl_verifypeer", 0)')).ask()).toBe('1 yes')
    expect(await (await asking(origin, capath)).ask()).toBe('1 yes')
  })

  it('must have the name of the URL, unless ssl_verifyhost is off', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('there', 'DNS:there.example.com')
    const { origin } = await webServer(({ response }) => void response.end('yes'), { cert, key })
    const capath = `modparam("rest_client", "ssl_capath", "${authority.folder}")\n`
    expect(await (await asking(origin, capath)).ask()).toMatch(/^-10 /)
    const lenient = `${capath}modparam("rest_client", "ssl_verifyhost", 0)`
    expect(await (await asking(origin, lenient)).ask()).toBe('1 yes')
  })

  it('rest_init_client_tls shows the certificate of a client domain, in one request', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('here', 'IP:127.0.0.1')
    const client = authority.issue('me', 'DNS:me')
    const names: unknown[] = []
    const { origin } = await webServer(
      ({ response }) => {
        names.push((response.socket as TLSSocket).getPeerCertificate().subject?.CN)
        response.end('yes')
      },
      { cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: false },
    )
    const { ask } = await asking(
      origin,
      `loadmodule "tls_mgm.so"\nmodparam("rest_client", "ssl_verifypeer", 0)
       ${domainParams('client', 'dom', client, `ca_list=${authority.caFile}`)}`,
      `rest_init_client_tls("none"); $var(rc) = $rc; rest_init_client_tls("dom");
       rest_get("@ORIGIN@/", $var(b)); rest_get("@ORIGIN@/", $var(b)); sl_send_reply(299, "$var(rc) $rc $var(b)");`,
    )
    expect(await ask()).toBe('-1 1 yes')
    expect(names).toEqual(['me', undefined])
  })

  it('is spoken to in HTTP/2 where curl_http_version wants it', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('here', 'IP:127.0.0.1')
    const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
      response.end(request.httpVersion)
    })
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const capath = `modparam("rest_client", "ssl_capath", "${authority.folder}")\n`
    expect(await (await asking(origin, capath)).ask()).toBe('1 1.1')
    const two = await asking(origin, `${capath}modparam("rest_client", "curl_http_version", 4)`)
    expect(await two.ask()).toBe('1 2.0')
  })
})
